"""One event loop and one browser for the whole process, for callers in any thread or loop.

The loop runs in its own thread. The browser starts when it is first needed, and ends with the process
or by `close`. It is signed in as one person at a time. A caller with another person's cookies waits until the
running work has ended. Then the browser opens again with these cookies.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from huggingchat_agent.errors import AgentError, BrowserClosed
from huggingchat_agent.huggingchat import HuggingChat
from huggingchat_agent.log_records import log
from huggingchat_agent.settings import make_settings
from huggingchat_agent.state.storage import HeldSession
from huggingchat_agent.sync.thread import LoopThread

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
    from concurrent.futures import Future

    from huggingchat_agent.settings import Settings

    Work = Callable[["BrowserOwner"], Coroutine[Any, Any, "T"]]


T = TypeVar("T")

# Seconds that the process waits for the browser to end.
EXIT_PATIENCE = 10.0

SAVED = "saved"
"""The identity of the profile's own session, whichever account that is."""


class BrowserRequest:
    """A request for a browser with the settings `given`, signed in as a certain person. `identity` is SAVED,
    or a hash of the cookies in `state` (a storage state), or None for any person.
    """

    def __init__(
        self, given: dict[str, Any], *, identity: str | None = SAVED, state: dict[str, Any] | None = None
    ) -> None:
        self.given = given
        self.identity = identity
        self.state = state


class CarriedChat(HuggingChat):
    """A HuggingChat with the cookies of a caller."""

    def __init__(self, state: dict[str, Any], **given: Any) -> None:
        self._carried_state = state
        super().__init__(**given)

    def _make_parts(self, settings: Settings) -> dict[str, Any]:
        saved = HeldSession(settings.profile_folder, self._carried_state)
        return {**super()._make_parts(settings), "saved": saved}


class OpenBrowser:
    """The running browser, and the identities it is signed in as."""

    def __init__(self, chat: HuggingChat, wanted: BrowserRequest) -> None:
        self.chat = chat
        self.given = wanted.given
        self.identities = {SAVED if wanted.state is None else wanted.identity}
        self.carried = wanted.state is not None
        self.signed_in = False  # `login` is called once, not for every call

    def fits(self, wanted: BrowserRequest) -> bool:
        return self.given == wanted.given and (wanted.identity is None or wanted.identity in self.identities)


class BrowserOwner:
    """Owns the browser and counts its users. For the loop's thread only."""

    def __init__(self) -> None:
        self._opened: OpenBrowser | None = None
        self._users = 0
        self._choosing = asyncio.Lock()
        self._idle = asyncio.Event()
        self._idle.set()

    @contextlib.asynccontextmanager
    async def use(self, wanted: BrowserRequest) -> AsyncIterator[OpenBrowser]:
        """The browser, unchanged during the block. Do not nest blocks."""
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

    async def release(self) -> None:
        """Close the browser if nobody uses it, so that another process can have the profile."""
        async with self._choosing:
            if not self._users:
                await self.close()

    async def close(self) -> None:
        """Close the browser."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.chat.close()


class Background:
    """The loop's thread, and the browser's owner in it. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._now: tuple[LoopThread, BrowserOwner] | None = None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._reset_after_fork)

    def submit(self, work: Work[T]) -> Future[T]:
        """Start work in the loop."""
        thread, owner = self._ensure_running()
        return asyncio.run_coroutine_threadsafe(work(owner), thread.loop)

    def run(self, work: Work[T]) -> T:
        """Do work in the loop and wait for it. Ctrl-C cancels it and waits for its end."""
        thread, owner = self._ensure_running()
        return thread.run(work(owner))

    @property
    def inside(self) -> bool:
        """Whether the caller runs in the loop itself: it must not wait for it."""
        with contextlib.suppress(RuntimeError):
            return self._now is not None and asyncio.get_running_loop() is self._now[0].loop
        return False

    async def relay(
        self, produce: Callable[[BrowserOwner, Callable[[Any], None]], Coroutine[Any, Any, None]]
    ) -> AsyncGenerator[Any, None]:
        """Run `produce` in the loop and yield its items in the caller's loop as they come.

        Raises what `produce` raises. If the caller leaves early, `produce` is cancelled and awaited.
        """
        thread, owner = self._ensure_running()
        here = asyncio.get_running_loop()
        items: asyncio.Queue[tuple[bool, Any]] = asyncio.Queue()
        task: list[asyncio.Task[None]] = []

        def tell(more: bool, item: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the caller's loop is gone, and the caller with it
                here.call_soon_threadsafe(items.put_nowait, (more, item))

        def end(done: asyncio.Task[None]) -> None:
            closed = BrowserClosed("The provider was closed while it answered.")
            tell(False, closed if done.cancelled() else done.exception())

        def begin() -> None:
            task.append(asyncio.ensure_future(produce(owner, lambda item: tell(True, item))))
            task[0].add_done_callback(end)

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
        """End the browser and the loop. The next call starts them again."""
        with self._guard:
            now, self._now = self._now, None
        atexit.unregister(self.close)
        if now is None:
            return
        thread, owner = now
        try:
            thread.run(owner.close(), timeout=EXIT_PATIENCE)
        except (AgentError, TimeoutError) as error:
            log.warning("The browser did not close properly: %s", error or type(error).__name__)
        finally:
            thread.stop()

    def _ensure_running(self) -> tuple[LoopThread, BrowserOwner]:
        with self._guard:
            if self._now is None or self._now[0].over:
                self._now = LoopThread("huggingchat provider"), BrowserOwner()
                atexit.register(self.close)
            return self._now

    def _reset_after_fork(self) -> None:
        """A forked child inherits neither the thread nor the browser."""
        self._guard, self._now = threading.Lock(), None


async def _open(wanted: BrowserRequest) -> OpenBrowser:
    if wanted.state is None:
        chat = HuggingChat(**wanted.given)
    else:
        # In its own profile, so that the named one stays free for others.
        app = {"base_url": make_settings(**wanted.given).base_url}  # the named one may remember it
        chat = CarriedChat(wanted.state, **{**wanted.given, **app, "profile": "carried"})
    await chat.open()
    return OpenBrowser(chat, wanted)


background = Background()
