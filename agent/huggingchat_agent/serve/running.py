"""Runs the endpoint: listens, answers, and finishes what is running before it ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from typing import TYPE_CHECKING, Protocol

import uvicorn

from huggingchat_agent.errors import UsageError
from huggingchat_agent.origin import is_loopback
from huggingchat_agent.serve.answering import Answerer
from huggingchat_agent.serve.app import KEEP_ALIVE, Endpoint
from huggingchat_agent.serve.limiter import Limiter
from huggingchat_agent.serve.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp

    from huggingchat_agent.chat.chat import Chat
    from huggingchat_agent.serve.journal import Journal
    from huggingchat_agent.serve.keys import Key

_STEPS = 3  # of the loop, from an accepted socket to a connection
SWEEP = 60.0  # seconds between two looks for conversations that nobody continues


class EndpointServer:
    """An endpoint for an open, signed-in chat."""

    def __init__(
        self,
        chat: Chat,
        key: Key,
        listening: socket.socket,
        *,
        host: str = "127.0.0.1",
        lenient: bool = False,
        tool_emulation: bool = True,
        keep: bool = False,
        limit: int = 4,
        queue: int = 32,
        per_minute: int | None = None,
        waits: bool = True,
        keep_alive: float = KEEP_ALIVE,
        journal: Journal | None = None,
    ) -> None:
        """`listening` is from `listen`, and closed at the end. Raises StorageError."""
        self._socket = listening
        port = listening.getsockname()[1]
        self.url = f"http://{_in_url(host)}:{port}/v1"
        self.aborted = False
        tape = chat.settings.replay is not None  # what it answers is nothing to go on with, or to delete
        self._threads = Threads(None if tape else chat.settings.profile_folder / "serve.sqlite")
        limiter = Limiter(limit=limit, queue=queue, per_minute=per_minute, waits=waits)
        self._answerer = Answerer(chat, self._threads, limiter, keep=keep or tape)
        hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]", _in_url(host))}
        self._endpoint = Endpoint(
            self._answerer,
            key,
            hosts=hosts,
            exposed=not is_loopback(host),
            lenient=lenient,
            tool_emulation=tool_emulation,
            keep_alive=keep_alive,
        )
        self._server = Listener.make(
            self._endpoint.app if journal is None else journal.watch(self._endpoint.app)
        )

    @property
    def answering(self) -> int:
        """How many answers are on their way."""
        return len(self._endpoint.tasks)

    async def serve(self) -> None:
        """Answer until `finish`; returns when the last answer is out. Closes everything."""
        sweeping = asyncio.create_task(self._sweep(), name="delete conversations of one turn")
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            sweeping.cancel()
            self._endpoint.stop()
            if self._endpoint.tasks:  # their runs stop on the server
                await asyncio.wait(self._endpoint.tasks)
            self._threads.close()
            self._socket.close()

    def finish(self) -> None:
        """Take no more requests, and end when the answers are out."""
        self._server.should_exit = True

    def abort(self) -> None:
        """End now. Answers that are on their way stop, on the server too."""
        self.aborted = True
        self._server.should_exit = self._server.force_exit = True
        self._endpoint.stop()

    async def _sweep(self) -> None:
        while True:
            await self._answerer.delete_one_shots()
            await asyncio.sleep(SWEEP)


class Listener(uvicorn.Server):
    """Answers on a socket until `should_exit`."""

    @classmethod
    def make(cls, app: ASGIApp) -> Listener:
        """The loop is the caller's, the log too, and there are no WebSockets."""
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        return cls(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, with every connection that was accepted, even if only just now.

        Where a server of asyncio closes before an accepted socket is a connection, nothing closes the socket.
        """
        for each in sockets or ():
            asyncio.get_running_loop().remove_reader(each)
        for _ in range(_STEPS):
            await asyncio.sleep(0)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the caller: it asks for the end by `finish` and `abort`."""
        yield


class Endable(Protocol):
    """What Ctrl-C ends."""

    @property
    def answering(self) -> int:
        """How many answers are on their way."""

    def finish(self) -> None:
        """End when the answers are out."""

    def abort(self) -> None:
        """End now."""


@contextlib.contextmanager
def handle_signals(running: Endable, say: Callable[[str], None]) -> Iterator[None]:
    """The first Ctrl-C waits for running answers, the second one ends at once."""
    loop = asyncio.get_running_loop()
    asked = False

    def end() -> None:
        nonlocal asked
        if asked:
            running.abort()
            return
        asked = True
        if running.answering:
            say(f"Answers still to finish: {running.answering}. Ctrl-C again ends now.")
        running.finish()

    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    for each in before:
        loop.add_signal_handler(each, end)
    try:
        yield
    finally:
        for each, handler in before.items():
            loop.remove_signal_handler(each)
            signal.signal(each, handler)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host.lower()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there, on any free port for 0. Raises UsageError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(
            f"Cannot listen on {_in_url(host)} port {port}: {error.strerror or error}. Choose another --port "
            "or --host."
        ) from None
    # Tokens are small packets. Connections inherit this; asyncio sets it only if a socket names its protocol.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
