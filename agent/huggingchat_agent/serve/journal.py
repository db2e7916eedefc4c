"""The requests to an endpoint, with their status. It holds no headers, and so no key."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Asked(msgspec.Struct, frozen=True):
    """A request. `body` is its JSON, None without one; `at` is the Unix time of the answer's beginning."""

    method: str
    path: str
    body: Any
    status: int
    at: float


class Journal:
    """The requests, in the order in which their answers began."""

    def __init__(self, write: Callable[[Asked], None] | None = None) -> None:
        """`write` gets each request too."""
        self.entries: list[Asked] = []
        self._write = write or self.entries.append

    def watch(self, app: ASGIApp) -> ASGIApp:
        """The app, with its requests in this journal."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            async def note(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self._note(scope, message["status"])
                await send(message)

            await app(scope, receive, note)

        return watched

    def _note(self, scope: Scope, status: int) -> None:
        body: Any = None
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            body = msgspec.json.decode(scope.get("state", {}).get("body", b"") or b"null")
        self._write(Asked(scope["method"], scope["path"], body, status, time.time()))
