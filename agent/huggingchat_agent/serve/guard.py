"""Admits only requests that have the key, name this server, and do not come from a web page."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from huggingchat_agent.serve.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from starlette.types import ASGIApp, Receive, Scope, Send

    from huggingchat_agent.serve.keys import Key

LARGEST_BODY = 32 * 1024 * 1024  # bytes
DISCARD_SECONDS = 5.0
OPEN = ("/healthz",)  # needs no key: it says only that the server runs


class Guard:
    """An ASGI middleware. `hosts` are the values of Host that name this server, in lower case.

    Where it is `exposed`, any IP address names it too: a page that misuses DNS comes with a name.

    It adds no CORS header, so a browser lets no page of another origin read an answer. A page that sends
    anyway is refused by its Origin. The body is read here; `scope["state"]["body"]` has it.
    """

    def __init__(
        self,
        app: ASGIApp,
        key: Key,
        hosts: Iterable[str],
        shape: Callable[[str, Refusal], dict[str, Any]],
        *,
        exposed: bool = False,
    ) -> None:
        self._app, self._key, self._hosts, self._shape = app, key, frozenset(hosts), shape
        self._exposed = exposed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            self._check(scope["path"], Headers(scope=scope))
            scope.setdefault("state", {})["body"] = await self._read_body(Headers(scope=scope), receive)
        except Refusal as refusal:
            body = self._shape(scope["path"], refusal)
            await _discard(receive, 4 * LARGEST_BODY)
            headers = refusal.headers | {"connection": "close"}
            await JSONResponse(body, refusal.status, headers)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check(self, path: str, headers: Headers) -> None:
        host = headers.get("host", "").lower()
        if host not in self._hosts and not (self._exposed and _is_address(host)):
            raise Refusal(421, f"This server does not answer for the host {host[:80]!r}.", code="wrong_host")
        if headers.get("origin", f"http://{host}").lower() != f"http://{host}":
            raise Refusal(403, "Pages of other origins may not use this server.", code="wrong_origin")
        if path in OPEN:
            return
        scheme, _, given = headers.get("authorization", "").partition(" ")
        given = given.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        if not given:
            message = "The request has no key. Send it as `Authorization: Bearer KEY`."
            raise Refusal(401, message, kind="authentication_error", code="missing_api_key")
        if not self._key.fits(given):
            message = "The key is wrong. `huggingchat serve --new-key` makes another one."
            raise Refusal(401, message, kind="authentication_error", code="invalid_api_key")

    async def _read_body(self, headers: Headers, receive: Receive) -> bytes:
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            raise self._refuse_size()
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refusal(400, "The client went away.")
            body += message.get("body", b"")
            if len(body) > LARGEST_BODY:
                raise self._refuse_size()
            more = message.get("more_body", False)
        return bytes(body)

    def _refuse_size(self) -> Refusal:
        size = LARGEST_BODY // (1024 * 1024)
        return Refusal(413, f"The body is larger than {size} MiB.", code="body_too_large")


async def _discard(receive: Receive, most: int) -> None:
    """Read the rest of a body, up to `most` bytes: a client may read no answer while it still sends."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            while most > 0:
                message = await receive()
                most -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def _is_address(host: str) -> bool:
    """Whether a value of Host is an IP address, with or without a port."""
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(urlsplit(f"//{host}").hostname or "")
        return True
    return False
