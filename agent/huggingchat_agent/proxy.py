"""The proxy between the browser and the network. Its password is a Secret, apart from its address."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import msgspec

from huggingchat_agent.errors import SettingsError
from huggingchat_agent.redact import Secret

SCHEMES = ("http", "https", "socks4", "socks5")


class Proxy(msgspec.Struct, frozen=True, kw_only=True):
    """`server` is scheme, host and port, as a browser takes it on its command line."""

    server: str
    username: str | None = None
    password: Secret | None = None

    @classmethod
    def parse(cls, value: str) -> Proxy:
        """From `http://user:password@host:port`. Raises SettingsError, which shows neither of the two."""
        try:
            parts = urlsplit(value if "://" in value else f"http://{value}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port, parts = None, None, urlsplit("")
        if parts.scheme not in SCHEMES or not host or parts.path.strip("/") or parts.query:
            raise SettingsError(
                "proxy is not the address of a proxy. Give it like http://proxy.example.org:3128. "
                "Its scheme is one of: "
                f"{', '.join(SCHEMES)}."
            )
        if parts.username and parts.scheme.startswith("socks"):
            raise SettingsError(
                "Browsers cannot sign in to a SOCKS proxy. Use its http port, or one without a password."
            )
        host = f"[{host}]" if ":" in host else host
        return cls(
            server=f"{parts.scheme}://{host}{f':{port}' if port else ''}",
            username=unquote(parts.username) if parts.username else None,
            password=Secret(unquote(parts.password)) if parts.password else None,
        )
