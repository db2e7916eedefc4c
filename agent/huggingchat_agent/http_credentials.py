"""User name and password for a gateway in front of the app (HTTP authentication)."""

from __future__ import annotations

import msgspec

from huggingchat_agent.errors import SettingsError
from huggingchat_agent.redact import Secret


class HttpCredentials(msgspec.Struct, frozen=True, kw_only=True):
    """Sent only when the app's own origin asks for them, by an answer with status 401."""

    username: str
    password: Secret

    @classmethod
    def parse(cls, value: str) -> HttpCredentials:
        """From `user:password`. Raises SettingsError, which shows neither of the two."""
        username, colon, password = value.partition(":")
        if not username or not colon or not password:
            raise SettingsError("http_credentials are not of the form user:password.")
        return cls(username=username, password=Secret(password))
