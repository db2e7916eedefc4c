"""A proxy that asks for a name and a password."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator


class Gate:
    """A proxy on loopback that requires a name and a password, and forwards to one server. `asked` has the
    requests without them, `heard` the ones that it forwarded, as `POST /login`.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.address = ""
        self.let_in = self.kept_out = 0
        self.asked: set[str] = set()
        self.heard: list[str] = []
        self.credentials = b"Basic " + base64.b64encode(b"ada@work:p:w/1234567")

    @property
    def url(self) -> str:
        """Its address with the name and the password."""
        return f"http://ada%40work:p%3Aw%2F1234567@{self.address}"

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.split(b"\r\n")
            self.asked.add(lines[0].split(b" ")[1].decode().removeprefix("http://").partition("/")[0])
            wanted = {line.partition(b": ")[2] for line in lines if line.lower().startswith(b"proxy-auth")}
            if wanted != {self.credentials}:
                self.kept_out += 1
                writer.write(
                    b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=gate\r\n"
                    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
                )
                await writer.drain()
                return
            self.let_in += 1
            method, address, version = lines[0].split(b" ")
            path = b"/" + address.split(b"/", 3)[3]
            self.heard.append(f"{method.decode()} {path.decode().partition('?')[0]}")
            kept = [line for line in lines[1:] if not line.lower().startswith((b"proxy-", b"connection"))]
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
            kept.insert(0, b"Connection: close")
            back.write(b"\r\n".join([b" ".join([method, path, version]), *kept]))
            await asyncio.gather(_pour(reader, back), _pour(there, writer))
        finally:
            writer.close()


async def _pour(source: StreamReader, sink: StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    sink.close()


@contextlib.asynccontextmanager
async def open_gate(url: str) -> AsyncIterator[Gate]:
    """A gate in front of the server at that address of http."""
    gate = Gate(urlsplit(url).port or 80)

    async def quietly(reader: StreamReader, writer: StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, IndexError):
            await gate.serve(reader, writer)

    server = await asyncio.start_server(quietly, "127.0.0.1", 0)
    gate.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield gate
    finally:
        server.close()
