"""The browser's tabs, and who uses them.

All calls share one tab. A conversation that is driven through its page has its own tab as long as it needs
one, because navigating a tab aborts what runs in it. If nothing else uses the browser, that is the shared
one: so one page is enough for one conversation.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Protocol

from huggingchat_agent import events
from huggingchat_agent.errors import (
    AgentError,
    BrowserClosed,
    LoginError,
    PageChanged,
    SiteError,
    TurnTimeout,
    UsageError,
)
from huggingchat_agent.origin import is_within, parse_origin
from huggingchat_agent.provenance import explain_withheld
from huggingchat_agent.session import error_report
from huggingchat_agent.session.failed_gestures import FailedGestures
from huggingchat_agent.site.calls import PageCalls

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.browser.protocols import Page
    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.session.connections import Connections
    from huggingchat_agent.session.profile import BrowserProfile
    from huggingchat_agent.session.uses import BrowserUses
    from huggingchat_agent.settings import Settings
    from huggingchat_agent.site.calls import Calls

# Tabs of idle conversations are kept for the next message, but not many.
IDLE_TABS = 3

LOOK_SECONDS = 0.2  # seconds between two checks for closed tabs


class Tab:
    """A tab of one conversation. `leaf` is the last message that its page knows, None if unsure.

    While it is `moving`, another page may be loaded in it, and no calls go through it.
    """

    def __init__(self, page: Page, conversation_id: str) -> None:
        self.page = page
        self.conversation_id = conversation_id
        self.leaf: str | None = None
        self.busy = self.moving = False
        self.turns = 0


class Watcher(Protocol):
    """Gets browsers and tabs before they are used. A recorder is one."""

    def see_browser(self, version: str) -> None: ...
    async def watch_tab(self, page: Page) -> None: ...


class Tabs:
    """Opens tabs, in a browser that starts on first need, and again if it was lost.

    Every exchange of a tab goes to `sink`. `note` gets an event for each tab that is replaced.
    """

    def __init__(
        self,
        settings: Settings,
        profile: BrowserProfile,
        connections: Connections,
        uses: BrowserUses,
        sink: Callable[[ExchangeEvent], None],
        watcher: Watcher | None,
        note: Callable[[events.Recycled], object],
    ) -> None:
        self._settings = settings
        self._profile = profile
        self._connections = connections
        self._uses = uses
        self._sink, self._watcher, self._note = sink, watcher, note
        self.failed_gestures = FailedGestures()
        self._shared: Page | None = None
        self._tabs: dict[str, Tab] = {}
        self._pages: list[Page] = []
        self._spare: asyncio.Task[Page] | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether a conversation is driven through its tab now."""
        return any(tab.busy for tab in self._tabs.values())

    async def get_shared(self, *, to_move: bool = False) -> Page:
        """The tab for calls, on a page of the app.

        Opens another one if it was lost, or if a conversation has it and may load a page in it. With
        `to_move` the caller loads a page itself, so it does not get the tab of a running answer. Raises
        BrowserError, SiteError, ProfileInUse or StorageError.
        """
        if (page := self._find_shared(to_move)) is not None:
            return page
        async with self._opening:
            self._check_open()
            if (page := self._find_shared(to_move)) is None:
                page = self._shared = await self._open_shared()
            return page

    def _find_shared(self, to_move: bool) -> Page | None:
        page = self._shared
        if page is None or page.closed or not self._profile.browser:
            return None
        taken = any(tab.moving or (to_move and tab.busy) for tab in self._tabs.values() if tab.page is page)
        return None if taken else page

    async def open_calls(self) -> Calls:
        """Calls that are made in the shared tab."""
        return PageCalls(await self.get_shared(), self._settings.base_url)

    async def get_front(self) -> Page:
        """The tab that was used last by a conversation, else the shared one."""
        open_tabs = [tab.page for tab in self._tabs.values() if not tab.page.closed]
        return open_tabs[-1] if open_tabs else await self.get_shared()

    async def lease(self, conversation_id: str) -> Tab:
        """The tab of a conversation, a new and empty one if it has none. Give it back with `release`."""
        shared = await self.get_shared()
        tab = self._tabs.get(conversation_id)
        if tab is None or tab.page.closed or (tab.page is shared and self._others_use_it):
            await self.leave_tab(conversation_id)
            free = self._shared is shared and not (shared.closed or self._is_lent or self._others_use_it)
            page = shared if free else await self._take_spare() or await self.open_page()
            tab = self._tabs[conversation_id] = Tab(page, conversation_id)
        tab.busy = tab.moving = True
        return tab

    @property
    def _others_use_it(self) -> bool:
        """Whether the browser has more uses than this lease, so that calls may run in the shared tab."""
        return self._uses.count > 1

    @property
    def _is_lent(self) -> bool:
        """Whether a conversation has the shared tab."""
        return any(tab.page is self._shared for tab in self._tabs.values())

    def prepare_spare(self) -> None:
        """Open an empty tab in the background, for the conversation that is about to be made.

        Not if it can have the shared tab, nor where a person or a recorder would see an empty one.
        """
        chosen = self._settings
        unseen = chosen.headless and not chosen.connect and self._watcher is None
        needed = chosen.via != "page" and self._is_lent
        if unseen and needed and self._spare is None and self._profile.browser:
            self._spare = asyncio.create_task(self.open_page(), name="open a tab for the next conversation")
            # Else asyncio logs its error if nothing takes the tab.
            self._spare.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _take_spare(self) -> Page | None:
        spare, self._spare = self._spare, None
        if spare is None:
            return None
        try:
            page = await spare
        except AgentError:
            return None
        return None if page.closed else page

    async def release(self, tab: Tab) -> None:
        """Take back a conversation's tab. Closes it after many turns, and the least recently used tabs."""
        if tab.moving and tab.page is self._shared:
            self._shared = None  # nobody knows where its page is: the next call gets another
        tab.busy = tab.moving = False
        tab.turns += 1
        if self._tabs.get(tab.conversation_id) is tab:
            # Calls of others may be under way in the shared one. Then a later turn closes it.
            if self._is_used_up(tab) and not (tab.page is self._shared and self._others_use_it):
                await self.close_tab(tab.conversation_id)
                self._note(
                    events.Recycled(
                        what="tab", reason="turns", turns=tab.turns, conversation_id=tab.conversation_id
                    )
                )
                return
            self._tabs[tab.conversation_id] = self._tabs.pop(tab.conversation_id)  # most recently used
        elif tab.page is not self._shared:
            await tab.page.close()  # its conversation was deleted meanwhile
        idle = [each for each in self._tabs.values() if not each.busy and each.page is not self._shared]
        for old in idle[: max(len(idle) - IDLE_TABS, 0)]:
            await self.close_tab(old.conversation_id)

    async def close_idle(self) -> None:
        """Give up the tabs that no turn needs: their pages may be out of date."""
        for tab in tuple(self._tabs.values()):
            if not tab.busy:
                await self.leave_tab(tab.conversation_id)

    async def make_room(self, conversation_id: str) -> None:
        """Close other conversations' idle tabs that hold one of the few connections of HTTP/1.1.

        While any generation runs, each tab holds a connection to watch it.
        """
        if self._connections.limited:
            for tab in tuple(self._tabs.values()):
                watches = tab.page.id in self._connections.watching_pages
                needed = tab.busy or tab.conversation_id == conversation_id or tab.page is self._shared
                if watches and not needed:
                    await self.close_tab(tab.conversation_id)

    async def close_tab(self, conversation_id: str) -> None:
        """Close the tab of a conversation. The browser keeps a crashed one too, until this closes it."""
        tab = self._tabs.pop(conversation_id, None)
        if tab is not None:
            await tab.page.close()

    async def leave_tab(self, conversation_id: str) -> None:
        """Close the tab of a conversation that no longer needs it, unless calls go through it."""
        tab = self._tabs.get(conversation_id)
        if tab is not None and tab.page is self._shared and not tab.page.closed:
            del self._tabs[conversation_id]
        else:
            await self.close_tab(conversation_id)

    async def open_page(self) -> Page:
        """Open a tab. The caller closes it."""
        browser = self._profile.browser
        if browser is None:
            raise BrowserClosed("The browser is gone. The next message starts another one.")
        page = await browser.new_page(self._sink)
        if self._watcher is not None:
            await self._watcher.watch_tab(page)
        self._pages = [each for each in self._pages if not each.closed] + [page]
        return page

    def find(self, page_id: str) -> Page | None:
        """The open tab with that id, if there is one."""
        return next((page for page in self._pages if page.id == page_id and not page.closed), None)

    async def shows_app(self) -> bool:
        """Whether the shared tab is on the app. An app may redirect strangers to another site."""
        page = await self.get_shared()
        return is_within(await page.read_address(), self._settings.base_url)

    async def load_app(self) -> None:
        """Load the app again in the shared tab."""
        page = await self.get_shared(to_move=True)
        await page.goto(f"{self._settings.base_url}/", timeout=self._settings.step_timeout)

    async def restart(self, state: dict[str, Any]) -> None:
        """Restart the browser with these cookies instead of the saved ones. This does not save them."""
        async with self._opening:
            self._check_open()
            await self._stop()
            self._shared = await self._open_shared(state)

    async def stop(self) -> None:
        """End the browser. The next use starts another with the saved session."""
        async with self._opening:
            await self._stop()

    async def close(self) -> None:
        """End the browser for good. Calling it twice is fine."""
        self._closed = True
        async with self._opening:
            try:
                await self._stop()
            finally:
                self._profile.release()

    async def wait_until_closed(self) -> None:
        """Wait until the browser is gone, or a person has closed the shared tab."""
        page, browser = await self.get_shared(), self._profile.browser
        if browser is None:
            return
        over = asyncio.Event()
        browser.on_closed(over.set)
        while not (over.is_set() or page.closed):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), LOOK_SECONDS)

    async def save_report(self, error: AgentError, page_id: str = "") -> None:
        """Save a picture of that tab, or else of the shared one, with errors that a picture explains."""
        page = self.find(page_id) or self._shared
        if page is not None and isinstance(error, PageChanged | LoginError | TurnTimeout):
            await error_report.leave_report(error, page, self._settings.reports_folder)

    async def _open_shared(self, state: dict[str, Any] | None = None) -> Page:
        if self._profile.browser is None:
            self._tabs.clear()
            self.failed_gestures.clear()
            browser = await self._profile.start(state)
            if self._watcher is not None:
                self._watcher.see_browser(browser.version)
        elif self._shared is not None and self._shared.closed:
            await self._shared.close()  # a crashed tab is still a tab of the browser
        page = await self.open_page()
        try:
            await page.goto(f"{self._settings.base_url}/", timeout=self._settings.step_timeout)
            self._check_scheme(await page.read_address())
        except BaseException as error:
            if isinstance(error, SiteError) and error.status == 401:
                explain_withheld(self._settings, error)
            await page.close()
            raise
        return page

    def _is_used_up(self, tab: Tab) -> bool:
        """Whether its page had its share of turns. A tab that a person may look at stays."""
        chosen = self._settings
        return not (chosen.shown or chosen.connect) and 0 < chosen.tab_turns <= tab.turns

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError("This HuggingChat is closed. Open a new one.")

    def _check_scheme(self, address: str) -> None:
        """Raise if the page has another scheme than the app, because it cannot call the app then."""
        try:
            ours, theirs = parse_origin(self._settings.base_url), parse_origin(address)
        except ValueError:
            return  # a page of the browser's own
        if ours.host == theirs.host and ours.scheme != theirs.scheme:
            better = f"{theirs}{self._settings.base_path}"
            raise SiteError(f"{self._settings.base_url} redirects to {better}. Use that as the base URL.")

    async def _stop(self) -> None:
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.cancel()
        self._shared = None
        self._tabs.clear()
        await self._profile.stop()
