"""A warm session in a thread of the tests, on a tape: without a browser and without a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from huggingchat_agent import HuggingChat
from huggingchat_agent import __version__ as version
from huggingchat_agent.settings import make_settings
from huggingchat_agent.state import warm_socket
from huggingchat_agent.state.profiles import ProfileLock
from huggingchat_agent.warm.chat import WarmChat
from huggingchat_agent.warm.client import Client
from huggingchat_agent.warm.matching import make_fingerprints
from huggingchat_agent.warm.server import Server

if TYPE_CHECKING:
    from huggingchat_agent.settings import Settings
    from huggingchat_agent.warm.protocol import Welcome

TAPES = Path(__file__).parents[2] / "fixtures" / "tapes"
TAPE = TAPES / "v1-conversation.tape"
IDLE = 60.0  # seconds


class Warm:
    """A running one. Use it as `with`; the end ends it."""

    def __init__(self, home: Path, *, tape: Path = TAPE, idle: float = IDLE) -> None:
        self.home, self.tape, self.idle = home, tape, idle
        self.path = warm_socket.find_path(home, "default")
        self.settings: Settings = make_settings(home=home)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Warm:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *about: object) -> None:
        with contextlib.suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._server.stop)
        self.wait()

    def wait(self) -> None:
        """Wait for its end."""
        self._thread.join(30)
        assert not self._thread.is_alive()

    def limit(self, idle: float) -> None:
        """From now on it ends after so many seconds without a command."""
        self._loop.call_soon_threadsafe(setattr, self._server, "_idle", idle)

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def open(
        self, settings: Settings | None = None, *, version: str = version
    ) -> tuple[Client, Welcome | None]:
        """A connection of a command."""
        stream = warm_socket.connect(self.path)
        assert stream is not None
        client = Client(stream)
        marks = make_fingerprints(settings or self.settings)
        return client, client.open(warm_socket.Opening(version=version, settings=marks))

    def chat(self) -> WarmChat:
        """What a command has in its hands."""
        return WarmChat(self.open()[0], self.settings)

    async def _run(self) -> None:
        lock = ProfileLock(self.home, "default")  # a tape has no profile of its own
        assert lock.take()
        async with HuggingChat(replay=self.tape, home=self.home) as chat:
            self._loop = asyncio.get_running_loop()
            self._server = Server(chat, await chat.login(), "a tape", self.path, self.idle)
            self._server._settings = make_fingerprints(self.settings)
            await self._server.start()
            self._ready.set()
            await self._server.run()
        lock.release()


@pytest.fixture
def warm(tmp_path):
    with Warm(tmp_path) as running:
        yield running
