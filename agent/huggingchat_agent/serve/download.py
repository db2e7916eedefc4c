"""Downloads a picture from an https address that a client names, but never from inside this network.

The check comes after the name is resolved, and the connection goes to the very address that was checked. So a
name that resolves differently the next time reaches nothing. Each redirect is checked in the same way. There
are no cookies, no keys and no proxy.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import httpcore
import idna

from huggingchat_agent.serve.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LARGEST = 10 * 1024 * 1024  # bytes
SECONDS = 20.0  # for all of a download, redirects included
REDIRECTS = 3
_HEADERS = [("Accept", "image/*"), ("Accept-Encoding", "identity"), ("User-Agent", "huggingchat-agent")]

# Networks that some Pythons count as public (`is_global`) and that are not: cloud hosts, IPv4 inside IPv6.
_TRAPS = [
    ipaddress.ip_network(each)
    for each in ("168.63.129.16/32", "192.0.0.0/24", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")
]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public network."""
    found = ipaddress.ip_address(address)
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_global and not found.is_multicast and not any(found in each for each in _TRAPS)


class Downloader:
    """Downloads pictures. `allows` decides on IP addresses, `context` on certificates."""

    def __init__(
        self, *, allows: Callable[[str], bool] = is_public, context: ssl.SSLContext | None = None
    ) -> None:
        self._backend, self._context = _CheckedBackend(allows), context

    async def download(self, url: str) -> tuple[bytes, str]:
        """The bytes of a picture and its type. Raises Refusal."""
        try:
            async with asyncio.timeout(SECONDS):
                for _ in range(REDIRECTS + 1):
                    found = await self._get(url)
                    if not isinstance(found, str):
                        return found
                    url = found
        except TimeoutError:
            raise _refuse(url, f"took longer than {SECONDS:.0f} s") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            raise _refuse(url, f"gave no answer ({type(error).__name__})") from None
        raise _refuse(url, f"redirects more than {REDIRECTS} times")

    async def _get(self, url: str) -> tuple[bytes, str] | str:
        """The picture, or the address of a redirect."""
        context = self._context or ssl.create_default_context()
        async with (
            httpcore.AsyncConnectionPool(context, network_backend=self._backend) as pool,
            pool.stream("GET", _parse(url), headers=_HEADERS) as response,
        ):
            headers = {name.lower(): value.decode("latin-1") for name, value in response.headers}
            if response.status in (301, 302, 303, 307, 308) and b"location" in headers:
                return urljoin(url, headers[b"location"])
            if response.status != 200:
                raise _refuse(url, f"answered with status {response.status}")
            mime = headers.get(b"content-type", "").partition(";")[0].strip().lower()
            if not mime.startswith("image/"):
                raise _refuse(url, f"is no picture but {mime[:60] or 'of no type'}")
            data = bytearray()
            async for chunk in response.aiter_stream():
                data += chunk
                if len(data) > LARGEST:
                    raise _refuse(url, f"is larger than {LARGEST // 1024**2} MiB")
            return bytes(data), mime


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to addresses that are allowed."""

    def __init__(self, allows: Callable[[str], bool]) -> None:
        self._allows, self._inner = allows, httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(each[4][0]) for each in found]
        for each in addresses:
            if not self._allows(each):
                raise _refuse(f"https://{host}", "leads to an address that is not public")
        return await self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)


def _parse(url: str) -> httpcore.URL:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
        if not host.isascii():
            host = idna.encode(host, uts46=True).decode()
    except ValueError:
        raise _refuse(url, "cannot be read") from None
    if parts.scheme != "https" or not host or parts.username is not None:
        raise _refuse(url, "is not a plain https address")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        return httpcore.URL(scheme="https", host=host, port=port, target=path.encode("ascii"))
    except UnicodeError:
        raise _refuse(url, "is not encoded as addresses are") from None


def _refuse(url: str, why: str) -> Refusal:
    message = f"The picture cannot be downloaded: {url[:200]!r} {why}."
    return Refusal(400, message, param="messages", code="invalid_picture")
