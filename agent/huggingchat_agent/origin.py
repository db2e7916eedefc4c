"""Normalizes addresses of the app, and compares them by origin and path segments, never as text."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote, urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_KEPT = "!$%&'()*+,/:;=@[]^_|~"  # characters of a path that browsers leave as they are
_FORBIDDEN = re.compile(r"[\x00-\x20#%/:<>?@\[\\\]^|]")  # in the name of a host
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")


class Origin(NamedTuple):
    """Scheme, host and port, as a browser writes them. `str` leaves out the scheme's own port."""

    scheme: str
    host: str
    port: int | None

    def __str__(self) -> str:
        port = "" if self.port == _PORTS.get(self.scheme) else f":{self.port}"
        return f"{self.scheme}://{self.written_host}{port}"

    @property
    def written_host(self) -> str:
        """The host as addresses and cookies have it: IPv6 in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def loopback(self) -> bool:
        """Whether this machine itself answers there."""
        return is_loopback(self.host)

    @property
    def private(self) -> bool:
        """Whether others on the network cannot read what is sent there."""
        return self.scheme in ("https", "wss") or self.loopback


def is_loopback(host: str) -> bool:
    """Whether a host, without brackets, is this machine itself."""
    name = host.removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def parse_origin(url: str) -> Origin:
    """The origin of an address. Raises ValueError if it does not name a host."""
    parts = _split_url(url)
    if not parts.scheme or not parts.hostname:
        raise ValueError(f"not the address of a host: {url!r}")
    port = _PORTS.get(parts.scheme) if parts.port is None else parts.port
    return Origin(parts.scheme, _normalize_host(parts.hostname), port)


def normalize(url: str) -> str:
    """Origin and path of an address, without a slash at the end. Raises ValueError like `parse_origin`."""
    return f"{parse_origin(url)}{_normalize_path(url).rstrip('/')}"


def have_same_origin(one: str, other: str) -> bool:
    """Whether both addresses have the same origin. An address without a host has none."""
    try:
        return parse_origin(one) == parse_origin(other)
    except ValueError:
        return False


def is_within(url: str, base_url: str) -> bool:
    """Whether an address is the app's: of its origin, at its base path or below."""
    return have_same_origin(url, base_url) and path_is_within(_normalize_path(url), _normalize_path(base_url))


def path_is_within(path: str, base_path: str) -> bool:
    """Whether a path is the base path or below it, by whole segments."""
    base_path = base_path.rstrip("/")
    return path == base_path or path.startswith(f"{base_path}/")


def _split_url(url: str) -> SplitResult:
    """The parts of an address before its query, as browsers read it: a backslash is a slash."""
    return urlsplit(re.split("[?#]", url, maxsplit=1)[0].replace("\\", "/"))


def _normalize_path(url: str) -> str:
    """A path as browsers write it: without dots for folders, and in ASCII."""
    found: list[str] = []
    *folders, last = _split_url(url).path.split("/")
    for segment in (*folders, last):
        plain = segment.lower().replace("%2e", ".")
        if plain == "..":
            del found[max(len(found) - 1, 1) :]
        elif plain != ".":
            found.append(quote(segment, safe=_KEPT))
    if last.lower().replace("%2e", ".") in (".", ".."):
        found.append("")
    return "/".join(found)


def _normalize_host(name: str) -> str:
    """A host as browsers write it: `127.1` is 127.0.0.1, and names beyond ASCII are in Punycode."""
    if ":" in name:
        return _normalize_ipv6(name)
    name = unquote(name).lower()
    if not name.isascii():
        import idna  # few addresses need it

        # Not `idna.encode`, which refuses the emoji that browsers accept. Its error is a ValueError.
        name = ".".join(map(_encode_label, idna.uts46_remap(name).split(".")))
    if not name or _FORBIDDEN.search(name):
        raise ValueError(f"not the address of a host: {name!r}")
    number = name.removesuffix(".")
    if _NUMBER.fullmatch(number.rpartition(".")[2]):
        try:
            return socket.inet_ntoa(socket.inet_aton(number))
        except OSError:
            raise ValueError(f"not the address of a host: {name!r}") from None
    return name


def _encode_label(text: str) -> str:
    return text if text.isascii() else f"xn--{text.encode('punycode').decode()}"


def _normalize_ipv6(name: str) -> str:
    address = ipaddress.IPv6Address(name)
    if address.scope_id is not None:
        raise ValueError(f"not the address of a host: {name!r}")
    if (mapped := address.ipv4_mapped) is not None:  # Python 3.13 writes it with dots
        return f"::ffff:{int(mapped) >> 16:x}:{int(mapped) & 0xFFFF:x}"
    return str(address)
