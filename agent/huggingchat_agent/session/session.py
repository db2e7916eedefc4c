"""The session: the browser, its tabs, and whether the app still knows us.

One tab is shared by all calls made in-page. A conversation that is driven by its own page has a tab
of its own for as long as it is needed: to navigate a tab would abort the stream it reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from huggingchat_agent import redact
from huggingchat_agent.browser import load_engine
from huggingchat_agent.errors import (
    AgentError,
    BrowserClosed,
    LoginError,
    PageChanged,
    SiteError,
    TurnTimeout,
    UsageError,
)
from huggingchat_agent.exchange import Ended, Failed, Responded, Started
from huggingchat_agent.session import report
from huggingchat_agent.session.connections import Connections
from huggingchat_agent.session.privacy import Privacy
from huggingchat_agent.session.recovery import Recovery
from huggingchat_agent.site.calls import PageCalls, require_success
from huggingchat_agent.state.profiles import ProfileLock
from huggingchat_agent.state.storage import SavedSession

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from huggingchat_agent.browser.protocols import Browser, Engine, Page
    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.settings import Deadlines, Settings
    from huggingchat_agent.site.calls import CallResult, Calls
    from huggingchat_agent.wire.requests import Call

log = logging.getLogger("huggingchat_agent")

T = TypeVar("T")

# Tabs of conversations that are not answering are kept for the next message, but not many.
IDLE_TABS = 3

LOOK_SECONDS = 0.2  # between two looks whether a tab was closed


class Tab:
    """A tab of one conversation. `leaf` is the message its page knows as the last, None if unsure."""

    def __init__(self, page: Page, conversation_id: str) -> None:
        self.page = page
        self.conversation_id = conversation_id
        self.leaf: str | None = None
        self.busy = False


class Witness(Protocol):
    """Who is told of browsers and tabs, before these do anything: a recording, for one."""

    def started(self, version: str) -> None: ...
    def hidden(self) -> None: ...
    async def watch(self, page: Page) -> None: ...


class Session:
    """Opens a browser on first need, and a new one when it was lost.

    With an `engine` passed in, the profile is left alone.
    """

    def __init__(
        self, settings: Settings, observe: Callable[[ExchangeEvent], None], *, engine: Engine | None = None
    ) -> None:
        self.settings = settings
        self._engine = engine
        self.saved = SavedSession(settings.profile_folder)
        self.connections = Connections()
        self.recovery = Recovery()
        self._lock = ProfileLock(settings.home, settings.profile)
        self._copied = False  # the profile is somebody else's at this time: nothing is saved
        self.recorder: Witness | None = None
        self._observe = observe
        self._browser: Browser | None = None
        self._shared: Page | None = None
        self._tabs: dict[str, Tab] = {}
        self._pages: list[Page] = []
        self._live: dict[str, str] = {}  # open watches over all runs: exchange -> page
        self._privacy = Privacy(settings.base_path)
        self._opening = asyncio.Lock()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def base_path(self) -> str:
        return self.settings.base_path

    @property
    def deadlines(self) -> Deadlines:
        return self.settings.deadlines

    @property
    def browser(self) -> Browser | None:
        """The browser now running, if one is."""
        return self._browser if self._browser and not self._browser.closed else None

    async def open(self) -> None:
        """Start the browser and load the app. Raises BrowserError, SiteError or StorageError."""
        await self.shared_page()

    def check_loop(self) -> None:
        """Raise UsageError in another event loop than the one this was first used in."""
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            return  # in none, where nothing can be awaited
        self._loop = self._loop or running
        if self._loop is not running:
            raise UsageError(
                "This HuggingChat belongs to the event loop it was opened in, and this is another one. Open, "
                "use and close it within one asyncio.run, or take huggingchat_agent.sync."
            )

    async def close(self) -> None:
        """End the browser. Closing twice is fine."""
        self._closed = True
        async with self._opening:
            try:
                await self._drop()
            finally:
                self._lock.release()

    async def shared_page(self) -> Page:
        """The tab for in-page calls, on a page of the app; opened anew if it was lost."""
        self.check_loop()
        page = self._shared
        if page is not None and not page.closed and self.browser:
            return page
        async with self._opening:
            if self._closed:
                raise UsageError("This HuggingChat is closed. Open a new one.")
            if self._shared is None or self._shared.closed or not self.browser:
                self._shared = await self._open_shared()
            return self._shared

    async def front_page(self) -> Page:
        """The tab that a conversation used last, else the shared one."""
        open_tabs = [tab.page for tab in self._tabs.values() if not tab.page.closed]
        return open_tabs[-1] if open_tabs else await self.shared_page()

    async def call(self, request: Call, *, timeout: float | None = None) -> CallResult:
        """Make a request of the app in the shared tab; the answer as it came, whatever its status."""
        shared = await self.calls()
        return await shared.call(request, timeout=timeout or self.settings.step_timeout)

    async def calls(self) -> Calls:
        """The calls in the shared tab, opened anew if it was lost."""
        return self._calls_in(await self.shared_page())

    def _calls_in(self, page: Page) -> Calls:
        return PageCalls(page, self.settings.base_url)

    async def ask(self, request: Call, *, conversation_id: str = "") -> bytes:
        """As `call`, for the body of a success. Raises the error that fits any other answer.

        Where the app has dropped our session it is signed in again, once, and asked again.
        """
        return await self.guarded(lambda: self.ask_once(request, conversation_id=conversation_id))

    async def guarded(self, action: Callable[[], Awaitable[T]]) -> T:
        """What the action gives, see `Recovery.guard`."""
        return await self.recovery.guard(action)

    async def ask_once(self, request: Call, *, conversation_id: str = "") -> bytes:
        """As `ask`, but a session that was dropped is just an error."""
        if not request.binary:
            return require_success(await self.call(request), conversation_id=conversation_id)
        shared = await self.calls()
        answer, body = await shared.download(request, timeout=self.settings.step_timeout)
        # A file may be a page, which as an answer to anything else would be a refusal.
        return body if answer.status == 200 else require_success(answer, conversation_id=conversation_id)

    async def tab(self, conversation_id: str) -> Tab:
        """The tab of a conversation, a new and empty one if it has none. Give it back with `leave`."""
        await self.shared_page()
        tab = self._tabs.get(conversation_id)
        if tab is None or tab.page.closed:
            await self.close_tab(conversation_id)
            tab = Tab(await self.new_page(), conversation_id)
            self._tabs[conversation_id] = tab
        tab.busy = True
        return tab

    async def leave(self, tab: Tab) -> None:
        """The conversation does not need its tab now. The tabs used longest ago are closed."""
        tab.busy = False
        if self._tabs.get(tab.conversation_id) is tab:
            self._tabs[tab.conversation_id] = self._tabs.pop(tab.conversation_id)  # most recently used
        idle = [each for each in self._tabs.values() if not each.busy]
        for old in idle[: max(len(idle) - IDLE_TABS, 0)]:
            await self.close_tab(old.conversation_id)

    async def close_idle_tabs(self) -> None:
        """Close the tabs that no turn needs: their pages may be out of date."""
        for tab in tuple(self._tabs.values()):
            if not tab.busy:
                await self.close_tab(tab.conversation_id)

    async def make_room(self, conversation_id: str) -> None:
        """Close other conversations' idle tabs that hold one of the few connections of HTTP/1.1.

        A tab watches all running generations for as long as any runs, one connection each.
        """
        if self.connections.limited:
            watching = set(self._live.values())
            for tab in tuple(self._tabs.values()):
                if not tab.busy and tab.page.id in watching and tab.conversation_id != conversation_id:
                    await self.close_tab(tab.conversation_id)

    async def close_tab(self, conversation_id: str) -> None:
        """Close the tab of a conversation, also one that crashed: the browser still has that."""
        self.check_loop()
        tab = self._tabs.pop(conversation_id, None)
        if tab is not None:
            await tab.page.close()

    async def new_page(self) -> Page:
        """A new tab, its traffic observed. Whoever asks closes it."""
        browser = self.browser
        if browser is None:
            raise BrowserClosed("The browser is gone. The next message starts another one.")
        page = await browser.new_page(self._see)
        if self.recorder is not None:
            await self.recorder.watch(page)
        self._pages = [each for each in self._pages if not each.closed] + [page]
        return page

    def page(self, page_id: str) -> Page | None:
        """That tab, if it is open, whoever opened it."""
        return self._page(page_id)

    def shows(self, page_id: str) -> bool:
        """Whether that tab is open, whoever opened it."""
        return self._page(page_id) is not None

    def refetches(self, page_id: str) -> bool:
        """Whether the app's own page is at work in that tab; in the one for our calls it is not."""
        return self._shared is None or self._shared.id != page_id

    async def drop_stream(self, page_id: str, conversation_id: str, generation_id: str | None) -> None:
        """Free the connection of a run's stream: one of ours is aborted, a page's goes with its tab."""
        page = self._page(page_id)
        if page is not None and generation_id and not self.refetches(page_id):
            await self._calls_in(page).abort(generation_id, timeout=self.settings.step_timeout)
        else:
            await self.close_tab(conversation_id)

    async def away(self) -> bool:
        """Whether the app sent the shared tab elsewhere, as it may do with who is not signed in."""
        page = await self.shared_page()
        return not (await page.address()).startswith(self.settings.base_url)

    async def home(self) -> None:
        """Load the app anew in the shared tab."""
        page = await self.shared_page()
        await page.goto(f"{self.settings.base_url}/", timeout=self.settings.step_timeout)

    async def save(self) -> None:
        """Save the session as it is now. Only to be called when the app has just proved it.

        Nothing is saved while somebody else uses the profile.
        """
        if self._copied or self._engine is not None:
            return
        browser = self.browser
        if browser is None:
            raise BrowserClosed("The browser is gone, and its session with it. Sign in again.")
        self.saved.save(await browser.storage_state())

    async def adopt(self, state: dict[str, Any]) -> None:
        """Start anew with these cookies instead of the saved ones. They are not saved by that."""
        async with self._opening:
            if self._closed:
                raise UsageError("This HuggingChat is closed. Open a new one.")
            await self._drop()
            self._shared = await self._open_shared(state)

    async def abandon(self) -> None:
        """Forget what the browser holds: the next need starts one with the saved session."""
        async with self._opening:
            await self._drop()

    async def _enter(self) -> None:
        """Take the profile, or a copy of it if that is wanted. Raises ProfileInUse or StorageError."""
        self.saved.prepare()
        if await asyncio.to_thread(self._lock.take):
            self._copied = False
            self.saved.tidy()
        elif self.settings.profile_in_use == "refuse":
            raise self._lock.in_use_error()
        elif not self._copied:
            self._copied = True
            log.info(
                "Profile %r is in use elsewhere: working with a copy, which is not saved.",
                self.settings.profile,
            )

    async def gone(self) -> None:
        """Wait until the browser went away, or a person closed the shared tab."""
        page, browser = await self.shared_page(), self.browser
        if browser is None:
            return
        over = asyncio.Event()
        browser.on_closed(over.set)
        while not (over.is_set() or page.closed):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), LOOK_SECONDS)

    async def storage_state(self) -> dict[str, Any]:
        """Cookies and local storage of the running browser."""
        browser = self.browser
        return await browser.storage_state() if browser else {"cookies": [], "origins": []}

    async def explain(self, error: AgentError, page_id: str = "") -> None:
        """Leave a picture of the page, else of the shared tab, for the errors one wants to look at."""
        page = self._page(page_id) or self._shared
        if page is not None and isinstance(error, PageChanged | LoginError | TurnTimeout):
            await report.leave_report(error, page, self.settings.reports_folder)

    def _page(self, page_id: str) -> Page | None:
        return next((page for page in self._pages if page.id == page_id and not page.closed), None)

    async def _open_shared(self, state: dict[str, Any] | None = None) -> Page:
        if self.browser is None:
            await self._drop()
            self._browser = await self._start(state)
            if self.recorder is not None:
                self.recorder.started(self._browser.version)
        elif self._shared is not None:
            await self._shared.close()  # one that crashed is still a tab of the browser
        page = await self.new_page()
        try:
            await page.goto(f"{self.settings.base_url}/", timeout=self.settings.step_timeout)
            self._check_scheme(await page.address())
        except BaseException:
            await page.close()
            raise
        return page

    async def _start(self, state: dict[str, Any] | None) -> Browser:
        if self._engine is not None:
            return await self._engine.start(self.settings, None)
        await self._enter()
        state = state or self.saved.load()
        redact.remember_cookies(state)
        return await load_engine(self.settings.engine).start(self.settings, state)

    def _check_scheme(self, address: str) -> None:
        """A page of one scheme cannot call the other; better said at once."""
        ours, theirs = urlsplit(self.settings.base_url), urlsplit(address)
        if ours.hostname == theirs.hostname and ours.scheme != theirs.scheme:
            better = theirs._replace(path=ours.path, query="", fragment="").geturl()
            raise SiteError(f"{self.settings.base_url} leads to {better}. Use that as the base URL.")

    async def _drop(self) -> None:
        browser, self._browser, self._shared = self._browser, None, None
        self._tabs.clear()
        if browser is not None:
            await browser.close()

    def _see(self, event: ExchangeEvent) -> None:
        shown = self._privacy.shown(event)
        if shown is None:
            if self.recorder is not None and isinstance(event, Started) and event.kind == "document":
                self.recorder.hidden()
            return
        if isinstance(event, Responded):
            self.connections.learn(event.protocol)
        elif isinstance(event, Started):
            if event.kind == "eventsource":
                self._live[event.exchange_id] = event.page
        elif isinstance(event, Ended | Failed):
            self._live.pop(event.exchange_id, None)
        self._observe(shown)
