"""A TCP proxy between browser and site that cuts, holds, refuses, and stops at any byte of an answer."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from fixtures.site.acceptor import Acceptor

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

HOST = "127.0.0.1"
TAIL = 16 * 1024  # bytes before the new ones in which a pattern may begin
RESET = struct.pack("ii", 1, 0)  # linger for no time: closing sends a reset


class Trap:
    """Springs behind the `nth` match of a pattern in what the site sends. `sprung` is set when it does.

    What follows the match waits until `then` has returned. It runs in a thread of its own.
    """

    def __init__(self, pattern: bytes, then: Callable[[], object], nth: int = 1) -> None:
        self.sprung = threading.Event()
        self._pattern, self._then, self._left = re.compile(pattern, re.DOTALL), then, nth

    def spring(self) -> None:
        """Do what is to be done."""
        self.sprung.set()
        self._then()

    def find(self, before: bytes, data: bytes) -> int | None:
        """How many of the new bytes may pass before it springs; None if all may."""
        for match in self._pattern.finditer(before + data):
            if match.end() > len(before):
                self._left -= 1
                if not self._left:
                    return match.end() - len(before)
        return None


class Proxy:
    """The proxy in front of the site at `url`, while its `with` block lasts. Callable from any thread."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.port is not None
        self._target, self._path = parts.port, parts.path
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._acceptor = Acceptor(self._pass)
        self._open: set[asyncio.StreamWriter] = set()  # to the site
        self._flows = asyncio.Event()
        self._traps: list[Trap] = []
        self._dropping: re.Pattern[bytes] | None = None
        self.dropped = threading.Event()

    @property
    def url(self) -> str:
        """The site's address through the proxy."""
        return f"http://{HOST}:{self._port}{self._path}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._flows.set()
        self._do(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def trap(self, pattern: bytes, then: Callable[[], object], *, nth: int = 1) -> Trap:
        """Do something behind the nth match of a pattern in what the site sends from now on, once."""
        trap = Trap(pattern, then, nth)
        self._call(lambda: self._traps.append(trap))
        return trap

    def drop_request(self, pattern: bytes) -> None:
        """Reset the connection of the next request that matches, before the site gets any of it."""
        self.dropped.clear()
        self._dropping = re.compile(pattern)

    def cut(self, *, reset: bool = True) -> None:
        """End all connections: by a reset, or as a server closes them."""
        self._do(self._cut(reset))

    def hold(self) -> None:
        """Pass nothing on in either direction. Connections stay open, and new ones are taken."""
        self._call(self._flows.clear)

    def refuse(self) -> None:
        """Reset all connections, and refuse new ones."""
        self._do(self._refuse())

    def restore(self) -> None:
        """Work as a proxy again. What was held passes."""
        self._do(self._restore())

    def reset(self) -> None:
        """As new: no traps, everything passes."""
        self._traps.clear()
        self._dropping = None
        self.restore()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    def _call(self, work: Callable[[], object]) -> None:
        async def call() -> None:
            work()

        self._do(call())

    async def _listen(self) -> None:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, self._port))
        listening.listen(100)
        self._port = listening.getsockname()[1]
        self._server = await asyncio.start_server(self._acceptor, sock=listening)

    async def _close(self) -> None:
        await self._refuse()
        await self._acceptor.end(timeout=0)

    async def _cut(self, reset: bool) -> None:
        for writer in (*self._acceptor.open.values(), *self._open):
            _end(writer, reset=reset)

    async def _refuse(self) -> None:
        if self._server is not None:
            await self._acceptor.stop(self._server)
            self._server = None
        await self._cut(reset=True)

    async def _restore(self) -> None:
        self._flows.set()
        if self._server is None:
            await self._listen()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._flows.wait()
            there, out = await asyncio.open_connection(HOST, self._target)
            self._open.add(out)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._forward(reader, out))
                    both.create_task(self._return(there, writer))
            finally:
                self._open.discard(out)
                out.close()
        except* OSError:
            pass

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """From the browser to the site."""
        while data := await reader.read(64 * 1024):
            await self._flows.wait()
            if self._dropping is not None and self._dropping.search(data):
                self._dropping = None
                self.dropped.set()
                raise ConnectionResetError
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError  # the browser is gone, and so is this connection

    async def _return(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """From the site to the browser."""
        before = b""
        while data := await reader.read(64 * 1024):
            await self._flows.wait()
            for trap in tuple(self._traps):
                if (end := trap.find(before, data)) is not None:
                    self._traps.remove(trap)
                    writer.write(data[:end])
                    before, data = (before + data[:end])[-TAIL:], data[end:]
                    await writer.drain()
                    await asyncio.to_thread(trap.spring)
                    await self._flows.wait()
            before = (before + data)[-TAIL:]
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError  # the site has closed it


def _end(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if not reset:
        writer.close()
        return
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
