"""One event loop and one browser for all of a process, however many threads and loops call.

The loop runs in a thread of its own. The browser starts on first need and ends with the process, or by
`close`. It is signed in as one person at a time: who comes with the cookies of another waits until
what is running has ended, then it is opened anew.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from huggingchat_agent.errors import AgentError, BrowserClosed
from huggingchat_agent.huggingchat import HuggingChat
from huggingchat_agent.state.storage import SavedSession
from huggingchat_agent.sync.thread import LoopThread

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
    from concurrent.futures import Future
    from pathlib import Path

    from huggingchat_agent.settings import Settings

    Work = Callable[["House"], Coroutine[Any, Any, "T"]]

log = logging.getLogger("huggingchat_agent")

T = TypeVar("T")

# The process does not wait longer than this for the browser to end.
EXIT_PATIENCE = 10.0

SAVED = "saved"
"""The identity of the profile's own session, whoever that is."""


class Wanted:
    """A browser to be used: opened with the settings `given`, as a certain person.

    `identity` is SAVED, or names the cookies in `state` (a storage state), or is None where it does not
    matter who it is.
    """

    def __init__(
        self,
        given: dict[str, Any],
        *,
        identity: str | None = SAVED,
        state: dict[str, Any] | None = None,
    ) -> None:
        self.given = given
        self.identity = identity
        self.state = state


class Carried(SavedSession):
    """Cookies that a caller brought: they are kept in memory, and the profile's own are left alone."""

    def __init__(self, folder: Path, state: dict[str, Any]) -> None:
        super().__init__(folder)
        self._state: dict[str, Any] | None = state

    def load(self) -> dict[str, Any] | None:
        return self._state

    def save(self, state: dict[str, Any]) -> None:
        self._state = state

    def remove(self) -> bool:
        found, self._state = self._state is not None, None
        return found


class CarriedChat(HuggingChat):
    """A HuggingChat with the cookies of a caller."""

    def __init__(self, state: dict[str, Any], **given: Any) -> None:
        self._state_carried = state
        super().__init__(**given)

    def _parts(self, settings: Settings) -> dict[str, Any]:
        return {**super()._parts(settings), "saved": Carried(settings.profile_folder, self._state_carried)}


class Opened:
    """The browser that is running, and who it is known as."""

    def __init__(self, chat: HuggingChat, wanted: Wanted) -> None:
        self.chat = chat
        self.given = wanted.given
        self.identities = {SAVED if wanted.state is None else wanted.identity}
        self.carried = wanted.state is not None
        self.signed_in = False  # by `login`, which is not done for every call

    def fits(self, wanted: Wanted) -> bool:
        return self.given == wanted.given and (wanted.identity is None or wanted.identity in self.identities)


class House:
    """The browser and who uses it. In the loop only."""

    def __init__(self) -> None:
        self._opened: Opened | None = None
        self._users = 0
        self._choosing = asyncio.Lock()
        self._idle = asyncio.Event()
        self._idle.set()

    @contextlib.asynccontextmanager
    async def opened(self, wanted: Wanted) -> AsyncIterator[Opened]:
        """The browser, which stays as it is for as long as the block lasts. Not to be nested."""
        async with self._choosing:
            if self._opened is None or not self._opened.fits(wanted):
                await self._idle.wait()
                await self.close()
                self._opened = await _open(wanted)
            opened = self._opened
            self._users += 1
            self._idle.clear()
        try:
            yield opened
        finally:
            self._users -= 1
            if not self._users:
                self._idle.set()

    async def let_go(self) -> None:
        """End the browser, if nobody uses it: somebody else needs the profile."""
        async with self._choosing:
            if not self._users:
                await self.close()

    async def close(self) -> None:
        """End the browser."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.chat.close()


class Background:
    """The loop's thread, and the house in it. Everything may be called from any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._now: tuple[LoopThread, House] | None = None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin_anew)

    def submit(self, work: Work[T]) -> Future[T]:
        """Start something in the loop."""
        thread, house = self._running()
        return asyncio.run_coroutine_threadsafe(work(house), thread.loop)

    def run(self, work: Work[T]) -> T:
        """Do something in the loop and wait for it; Ctrl-C cancels it and awaits its end first."""
        thread, house = self._running()
        return thread.run(work(house))

    @property
    def inside(self) -> bool:
        """Whether the caller is in the loop itself, where to wait for it would be for ever."""
        with contextlib.suppress(RuntimeError):
            return self._now is not None and asyncio.get_running_loop() is self._now[0].loop
        return False

    async def relay(
        self, produce: Callable[[House, Callable[[Any], None]], Coroutine[Any, Any, None]]
    ) -> AsyncGenerator[Any, None]:
        """Run `produce` in the loop and yield, in the caller's, what it puts, as it is put.

        Raises what `produce` raised. Left early it is cancelled, and its end awaited.
        """
        thread, house = self._running()
        here = asyncio.get_running_loop()
        items: asyncio.Queue[tuple[bool, Any]] = asyncio.Queue()
        task: list[asyncio.Task[None]] = []

        def tell(more: bool, item: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the caller's loop is gone, and the caller with it
                here.call_soon_threadsafe(items.put_nowait, (more, item))

        def over(done: asyncio.Task[None]) -> None:
            closed = BrowserClosed("The provider was closed while it answered.")
            tell(False, closed if done.cancelled() else done.exception())

        def begin() -> None:
            task.append(asyncio.ensure_future(produce(house, lambda item: tell(True, item))))
            task[0].add_done_callback(over)

        thread.loop.call_soon_threadsafe(begin)
        more, item = True, None
        try:
            while True:
                more, item = await items.get()
                if not more:
                    break
                yield item
        finally:
            if more:
                thread.loop.call_soon_threadsafe(lambda: task[0].cancel())
                while more:
                    more, _ = await items.get()
        if item is not None:
            raise item

    def close(self) -> None:
        """End browser and loop. They start again on the next need."""
        with self._guard:
            now, self._now = self._now, None
        atexit.unregister(self.close)
        if now is None:
            return
        thread, house = now
        try:
            thread.run(house.close(), timeout=EXIT_PATIENCE)
        except (AgentError, TimeoutError) as error:
            log.warning("The browser did not end in order: %s", error or type(error).__name__)
        finally:
            thread.stop()

    def _running(self) -> tuple[LoopThread, House]:
        with self._guard:
            if self._now is None or self._now[0].over:
                self._now = LoopThread("huggingchat provider"), House()
                atexit.register(self.close)
            return self._now

    def _begin_anew(self) -> None:
        """Also in a forked child, which has inherited neither the thread nor the browser."""
        self._guard, self._now = threading.Lock(), None


async def _open(wanted: Wanted) -> Opened:
    if wanted.state is None:
        chat = HuggingChat(**wanted.given)
    else:
        # In a profile of its own, so that nobody is kept out of theirs.
        chat = CarriedChat(wanted.state, **{**wanted.given, "profile": "carried"})
    await chat.open()
    return Opened(chat, wanted)


background = Background()
