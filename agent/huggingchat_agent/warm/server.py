"""The process behind the socket: answers commands through its HuggingChat, and ends when it is idle."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from typing import TYPE_CHECKING

import msgspec

import huggingchat_agent
from huggingchat_agent.log_records import log
from huggingchat_agent.state import warm_socket
from huggingchat_agent.warm.connection import Connection
from huggingchat_agent.warm.matching import make_fingerprints
from huggingchat_agent.warm.protocol import LONGEST, Welcome, encode

if TYPE_CHECKING:
    from pathlib import Path

    from huggingchat_agent.huggingchat import HuggingChat
    from huggingchat_agent.session.account import Account


LOOK_SECONDS = 5.0  # seconds between two looks at the clock and at the socket's file


class Server:
    """Serves the socket at `path`. `run` returns after `idle` seconds without a command, or if asked to."""

    def __init__(self, chat: HuggingChat, account: Account, browser: str, path: Path, idle: float) -> None:
        self.welcome = Welcome(
            version=huggingchat_agent.__version__,
            process=os.getpid(),
            username=account.username,
            browser=browser,
            idle=idle,
        )
        self._chat, self._path, self._idle = chat, path, idle
        self._settings = make_fingerprints(chat.settings)
        self._connections: set[Connection] = set()
        self._used = time.monotonic()
        self._over = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._file: tuple[int, int] | None = None

    async def start(self) -> None:
        """Listen. The profile's lock is ours, so what lies at the path is stale. Raises OSError."""
        warm_socket.make_folder(self._path.parent)
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, path=self._path, limit=LONGEST)
        finally:
            os.umask(before)
        self._file = self._identify()

    async def run(self) -> None:
        """Serve until the end. Answers that are still coming are stopped then."""
        while not (self._over.is_set() or self._is_idle() or self._identify() != self._file):
            wait = min(LOOK_SECONDS, max(self._used + self._idle - time.monotonic(), 0.05))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), wait)
        await self._close()

    def stop(self) -> None:
        """End soon."""
        self._over.set()

    def _is_idle(self) -> bool:
        return not self._connections and time.monotonic() >= self._used + self._idle

    def _identify(self) -> tuple[int, int] | None:
        """The identity of the socket's file. It changes when the folder is removed or replaced."""
        try:
            found = self._path.lstat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        if self._identify() == self._file:
            self._path.unlink(missing_ok=True)
        await asyncio.gather(*(each.close() for each in tuple(self._connections)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if warm_socket.is_ours(writer.get_extra_info("socket")):
                await self._greet(reader, writer)
        except (OSError, EOFError, ValueError, msgspec.MsgspecError) as error:
            log.info("A connection ended: %s", type(error).__name__)
        finally:
            writer.close()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opening = msgspec.json.decode(await reader.readuntil(b"\n"), type=warm_socket.Opening)
        if opening.do != "open":
            ends = opening.do == "end" or not self._connections
            writer.write(encode(warm_socket.Ending(ends, os.getpid())))
            await writer.drain()
            if ends:
                self.stop()
            return
        different = [name for name, mark in self._settings.items() if opening.settings.get(name) != mark]
        fits = opening.version == self.welcome.version and not different and not self._over.is_set()
        connection = Connection(self._chat, reader, writer)
        if fits:
            self._connections.add(connection)
        try:
            writer.write(encode(msgspec.structs.replace(self.welcome, different=different)))
            await writer.drain()
            if fits:
                await connection.serve()
        finally:
            self._connections.discard(connection)
            self._used = time.monotonic()
