"""A little real web server for the browser tests: pages from strings, bodies a test sends by hand."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Body:
    """One response body under way: what a test sends is what the browser gets, when it gets it."""

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    def send(self, data: bytes) -> None:
        self._pieces.put_nowait(data)

    def end(self) -> None:
        self._pieces.put_nowait(None)

    async def answer(
        self, request: web.Request, headers: dict[str, str], compress: bool
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=headers)
        if compress:
            response.enable_compression(web.ContentCoding.gzip)
        await response.prepare(request)
        self.asked.set()
        try:
            while (piece := await self._pieces.get()) is not None:
                await response.write(piece)
        except (ConnectionError, asyncio.CancelledError):
            self.left.set()
            raise
        return response


class Server:
    """Answers on 127.0.0.1 what the tests put there; each path is new."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}
        self._numbers = itertools.count(1)
        self.origin = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.origin = f"http://{host}:{port}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    def page(self, html: str, **headers: str) -> str:
        """Serve a page; its address."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def answer(request: web.Request) -> web.Response:
            return web.Response(text=f"<!doctype html>{html}", content_type="text/html", headers=named)

        return self.handle(answer)

    def body(self, mime: str = "application/jsonl", *, compress: bool = False) -> tuple[str, Body]:
        """Serve a body that the test sends; its address and the body."""
        body = Body()
        return self.handle(lambda request: body.answer(request, {"content-type": mime}, compress)), body

    def slow(self, to: str) -> tuple[str, asyncio.Event, asyncio.Event]:
        """An address that redirects on a signal: the address, the event of its request, and the signal."""
        asked, go = asyncio.Event(), asyncio.Event()

        async def answer(request: web.Request) -> web.Response:
            asked.set()
            await go.wait()
            return web.Response(status=302, headers={"location": to})

        return self.handle(answer), asked, go

    def handle(self, handler: Handler) -> str:
        path = f"/{next(self._numbers)}"
        self._handlers[path] = handler
        return self.origin + path

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        handler = self._handlers.get(request.path)
        if handler is None:
            return web.Response(status=404)
        return await handler(request)
