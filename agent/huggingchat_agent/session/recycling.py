"""Replaces a browser after many turns, between two messages.

Browsers and drivers grow with use: the driver of Playwright by about 0.2 MiB with each turn.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from huggingchat_agent import events
from huggingchat_agent.errors import AgentError
from huggingchat_agent.log_records import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.session.profile import BrowserProfile
    from huggingchat_agent.session.tabs import Tabs
    from huggingchat_agent.session.uses import BrowserUses
    from huggingchat_agent.settings import Settings

MEASURE_EVERY = 10  # turns; measuring takes a few hundredths of a second of CPU time


class Recycler:
    """Counts the turns of a browser, and replaces it after too many or if it has too much memory.

    It does so only while nothing uses the browser. It leaves alone browsers with cookies of
    their own, those that a person may look at, and those that were already running. `note` gets the event.
    """

    def __init__(
        self,
        settings: Settings,
        profile: BrowserProfile,
        tabs: Tabs,
        uses: BrowserUses,
        note: Callable[[events.Recycled], object],
    ) -> None:
        self._settings, self._profile, self._tabs = settings, profile, tabs
        self._uses, self._note = uses, note
        self._ours = not (settings.shown or settings.connect or settings.own_cookies)
        self._turns = 0
        self._epoch = 0  # the browser that the turns were counted of

    def count_turn(self) -> None:
        """Count one more turn."""
        if self._epoch != self._profile.epoch:
            self._epoch, self._turns = self._profile.epoch, 0
        self._turns += 1

    async def replace_if_due(self) -> None:
        """Replace the browser if that is due and nothing uses it. Never raises because of a browser.

        If the other browser does not start, the next call starts one with the saved session.
        """
        replacing = self._uses.replacing
        if not self._ours or self._busy or replacing.locked() or self._epoch != self._profile.epoch:
            return
        async with replacing:
            reason = await self._find_reason()
            if reason:
                begun, turns = time.monotonic(), self._turns
                try:
                    await self._tabs.restart(await self._profile.read_state())
                except AgentError as error:
                    log.warning("The browser could not be replaced after %d turns: %s", turns, error)
                    return
                seconds = time.monotonic() - begun
                self._note(events.Recycled(what="browser", reason=reason, turns=turns, seconds=seconds))

    @property
    def _busy(self) -> bool:
        return bool(self._uses.count) or self._tabs.busy or self._profile.browser is None

    async def _find_reason(self) -> str:
        """Why a replacement is due; "" if it is not."""
        if 0 < self._settings.browser_turns <= self._turns:
            return "turns"
        browser = self._profile.browser
        if browser and self._settings.browser_memory and self._turns and self._turns % MEASURE_EVERY == 0:
            if await asyncio.to_thread(browser.measure_memory) > self._settings.browser_memory:
                return "memory"
        return ""
