"""Normalizes addresses of the app, and compares them by origin and path segments, never as text."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import NamedTuple
from urllib.parse import urlsplit

_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")


class Origin(NamedTuple):
    """Scheme, host and port, as a browser writes them. `str` leaves out the scheme's own port."""

    scheme: str
    host: str
    port: int | None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS.get(self.scheme) else f":{self.port}")

    @property
    def loopback(self) -> bool:
        """Whether this machine itself answers there."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def origin(url: str) -> Origin:
    """The origin of an address. Raises ValueError if it is no address of a host."""
    parts = urlsplit(url)
    if not parts.scheme or not parts.hostname:
        raise ValueError(f"no address of a host: {url!r}")
    return Origin(parts.scheme, _host(parts.hostname), parts.port or _PORTS.get(parts.scheme))


def normalize(url: str) -> str:
    """Origin and path of an address, without a slash at the end. Raises ValueError like `origin`."""
    return f"{origin(url)}{urlsplit(url).path.rstrip('/')}"


def same_origin(one: str, other: str) -> bool:
    """Whether both addresses have the same origin. An address without a host has none."""
    try:
        return origin(one) == origin(other)
    except ValueError:
        return False


def is_within(url: str, base_url: str) -> bool:
    """Whether an address is the app's: of its origin, at its base path or below."""
    return same_origin(url, base_url) and path_is_within(urlsplit(url).path, urlsplit(base_url).path)


def path_is_within(path: str, base_path: str) -> bool:
    """Whether a path is the base path or below it, by whole segments."""
    base_path = base_path.rstrip("/")
    return path == base_path or path.startswith(f"{base_path}/")


def _host(name: str) -> str:
    """A host as browsers write it: `127.1` is 127.0.0.1, and names beyond ASCII are in Punycode."""
    name = name.lower()
    if ":" in name:
        return str(ipaddress.ip_address(name))
    if not name.isascii():
        import idna  # few addresses need it

        name = idna.encode(name, uts46=True).decode()  # its error is a ValueError
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        try:
            return socket.inet_ntoa(socket.inet_aton(name))
        except OSError:
            raise ValueError(f"no address of a host: {name!r}") from None
    return name
