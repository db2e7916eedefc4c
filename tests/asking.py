"""A stand-in for the question that Chrome (from version 144 on) asks before it lets a program connect."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.persons import Persons

FILE = "DevToolsActivePort"  # in a profile folder: where its browser can be connected to


class Asking:
    """Before a browser's port, as in Chrome 144 and later: no addresses, and each connection is asked for.

    `asked` counts the connections, `heard` has what the browser has said.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.asked = 0
        self.heard = b""
        self.question, self.allow = asyncio.Event(), asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"GET /devtools/browser/"):
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                return await writer.drain()
            self.asked += 1
            self.question.set()
            await self.allow.wait()
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
            # Nothing compressed, so that it can be read here.
            kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"sec-websocket-ext")]
            back.write(b"\r\n".join(kept))
            await asyncio.gather(self._pour(reader, back), self._pour(there, writer, listen=True))
        writer.close()

    async def _pour(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, listen: bool = False
    ) -> None:
        while data := await source.read(65536):
            self.heard += data if listen else b""
            sink.write(data)
            await sink.drain()
        sink.close()


@contextlib.asynccontextmanager
async def ask_before(persons: Persons, profile: Path, place: Path) -> AsyncIterator[Asking]:
    """Put the question before that browser, and write its address down in `place`.

    `profile` is the browser's own folder. `place` is a folder, and may be the same one.
    """
    path = (profile / FILE).read_text().partition("\n")[2]
    asking = Asking(int(persons.address.rpartition(":")[2]))
    server = await asyncio.start_server(asking.serve, "127.0.0.1", 0)
    (place / FILE).write_text(f"{server.sockets[0].getsockname()[1]}\n{path}")
    yield asking
    server.close()
