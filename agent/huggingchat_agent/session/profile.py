"""The browser of a profile: it starts with the saved session, and saves it again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from huggingchat_agent import redact
from huggingchat_agent.browser import load_engine
from huggingchat_agent.errors import BrowserClosed, StorageError
from huggingchat_agent.log_records import log
from huggingchat_agent.state.profiles import ProfileLock

if TYPE_CHECKING:
    from huggingchat_agent.browser.protocols import Browser
    from huggingchat_agent.settings import Settings
    from huggingchat_agent.state.storage import SavedSession


# A driver may notice the end of its browser a moment after a call has failed because of it.
NOTICE = 0.2  # seconds


class BrowserProfile:
    """Starts the browser and saves its session. After the browser was lost, it can start another.

    It locks the profile from the first start until `release`. If another process uses the profile, it refuses
    or works with a copy that is never saved (`profile_in_use`).
    """

    def __init__(self, settings: Settings, saved: SavedSession) -> None:
        self.saved = saved
        self.copied = False  # another process has the profile: nothing is saved
        self._settings = settings
        self._lock = ProfileLock(settings.home, settings.profile)
        self._browser: Browser | None = None
        self.epoch = 0  # how many browsers were started
        self._kept: dict[str, Any] | None = None  # the session of a copy, which is not saved

    @property
    def browser(self) -> Browser | None:
        """The running browser, if there is one."""
        return self._browser if self._browser and not self._browser.closed else None

    async def start(self, state: dict[str, Any] | None = None) -> Browser:
        """Start a browser with the saved session, or with `state` instead. Raises ProfileInUse, StorageError
        or BrowserError.
        """
        await self.stop()
        if self.saved.on_disk:
            await self._claim()
        state = state or (self._kept if self.copied else None) or self.saved.load()
        redact.remember_cookies(state)
        self._browser = await load_engine(self._settings.engine).start(self._settings, state)
        self.epoch += 1
        return self._browser

    async def wait_until_noticed(self) -> None:
        """After a failed call: give the driver a moment to notice that its browser is gone."""
        browser, gone = self._browser, asyncio.Event()
        if browser is not None:
            browser.on_closed(gone.set)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(gone.wait(), NOTICE)

    async def _claim(self) -> None:
        """Lock the profile, or decide to work with a copy."""
        try:
            self.saved.prepare()
            if await asyncio.to_thread(self._lock.claim):
                self.copied = False
                self.saved.tidy()
                return
        except StorageError as error:
            if not self.saved.readable:
                raise
            return self._copy(logging.WARNING, "it cannot be saved: %s", error.message)
        if self._settings.profile_in_use == "refuse":
            raise self._lock.make_in_use_error()
        self._copy(logging.INFO, "profile %r is in use elsewhere", self._settings.profile)

    def _copy(self, level: int, why: str, *values: str) -> None:
        if not self.copied:
            self.copied = True
            log.log(level, f"Working with a copy of the session, which is not saved: {why}", *values)

    async def read_state(self) -> dict[str, Any]:
        """Cookies and local storage of the running browser."""
        return await self.browser.storage_state() if self.browser else {"cookies": [], "origins": []}

    async def save(self) -> None:
        """Save the session. Call this only when the app has just accepted it.

        The session of a copy is kept only for the next browser of this process.
        """
        if self.browser is None:
            if self.copied:
                return
            raise BrowserClosed("The browser is gone, and its session with it. Sign in again.")
        state = await self.browser.storage_state()
        if self.copied:
            self._kept = state
        else:
            self.saved.save(state)

    def forget(self) -> None:
        """Delete the saved session."""
        self._kept = None
        self.saved.remove()

    async def stop(self) -> None:
        """End the browser, if one runs."""
        browser, self._browser = self._browser, None
        if browser is not None:
            await browser.close()

    def release(self) -> None:
        """Let other processes use the profile. Calling it twice is fine."""
        self._lock.release()
