"""The address of a running browser. It shows its host only: path and query may hold a token."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import msgspec

from huggingchat_agent import redact, secret_names
from huggingchat_agent.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from urllib.parse import SplitResult

_AS_HTTP = {"ws": "http", "wss": "https"}
_DRAWN = re.compile(r"(?=.*\d)[\w.~-]{8,}")  # a part of a path that is no word
_NEXT = re.compile(r",\s*(?=[a-z]+://)", re.IGNORECASE)


class Endpoint(msgspec.Struct, frozen=True):
    """A browser's DevTools address (CDP), or the address of a Playwright server."""

    address: str

    @classmethod
    def parse(cls, address: str) -> Endpoint:
        """Raises SettingsError, which does not show the address."""
        try:
            parts = urlsplit(address)
            good = parts.scheme in ("http", "https", "ws", "wss") and parts.hostname and (parts.port or True)
        except ValueError:
            good = False
        if not good:
            raise SettingsError(
                "connect is not the address of a browser. Give it like http://127.0.0.1:9222, or the ws:// "
                "address of a Playwright server."
            )
        account = (unquote(each or "") for each in (parts.username, parts.password))
        values = (value for _, value in parse_qsl(parts.query))
        drawn = filter(_DRAWN.fullmatch, parts.path.split("/"))
        for hidden in (*account, parts.query, *values, *drawn):
            redact.remember(hidden)
        return cls(address)

    @property
    def cdp(self) -> bool:
        """Whether it is a CDP address rather than that of a Playwright server."""
        parts = urlsplit(self.address)
        return parts.scheme in ("http", "https") or parts.path.startswith("/devtools/")

    @property
    def has_socket(self) -> bool:
        """Whether it is the address of a socket, not of a server that names one."""
        return urlsplit(self.address).scheme in _AS_HTTP

    @property
    def holds_secret(self) -> bool:
        """Whether it has a password, or a value that is secret by its name."""
        parts = urlsplit(self.address)
        names = [name for name, _ in parse_qsl(parts.query)]
        return bool(parts.username) or any(
            name.lower() == "key" or secret_names.is_secret(name, logged=True) for name in names
        )

    @property
    def credentials(self) -> str:
        """The value of an HTTP header `Authorization` for user name and password; "" without any."""
        parts = urlsplit(self.address)
        if not parts.username:
            return ""
        account = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return f"Basic {base64.b64encode(account.encode()).decode()}"

    def locate(self, path: str) -> str:
        """The http(s) address of another path of that server, with the same query.

        A socket's own path names the socket; that of an http address is where the browser is served.
        """
        parts = urlsplit(self.address)
        before = "" if self.has_socket else parts.path.rstrip("/")
        scheme = _AS_HTTP.get(parts.scheme, parts.scheme)
        return urlunsplit((scheme, _strip_account(parts), before + path, parts.query, ""))

    def __str__(self) -> str:
        parts = urlsplit(self.address)
        more = "/…" if parts.path.strip("/") or parts.query else ""
        return f"{parts.scheme}://{_strip_account(parts)}{more}"

    def __repr__(self) -> str:
        return f"Endpoint({str(self)!r})"


class Addresses(str):
    """One address, or several with commas between them. A repr shows their hosts only."""

    @classmethod
    def combine(cls, endpoints: Iterable[Endpoint]) -> Addresses:
        return cls(",".join(each.address for each in endpoints))

    def __repr__(self) -> str:
        return repr(",".join(str(Endpoint(each)) for each in split(self)))


def is_searched(connect: str | None) -> bool:
    """Whether `connect` looks for the user's own browser: `auto`, `auto:NAME` or `auto:FOLDER`."""
    return connect is not None and connect.partition(":")[0] == "auto"


def split(text: str) -> list[str]:
    """The addresses of a text that has commas between them. A token may hold a comma."""
    return [each for part in _NEXT.split(text) if (each := part.strip().rstrip(","))]


def _strip_account(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]
