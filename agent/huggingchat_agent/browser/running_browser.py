"""What is the same in every engine: a browser is started in time, has tabs, is lost once, and is closed.

An engine says how it opens the browser, how it makes a tab, how it reads the session and how it
ends what it has started; see the abstract methods of `RunningBrowser`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from huggingchat_agent import redact
from huggingchat_agent.browser import process_tag, start_failures
from huggingchat_agent.browser.cdp import Refused, refusal
from huggingchat_agent.browser.executable import find_or_download
from huggingchat_agent.browser.page import CdpPage
from huggingchat_agent.browser.pump import Pump, within
from huggingchat_agent.browser.sandbox import detect_sandbox
from huggingchat_agent.errors import BrowserClosed, BrowserError, BrowserTimeout
from huggingchat_agent.wire.tap import Tap

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from huggingchat_agent.browser.cdp import Cdp
    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.settings import Settings

T = TypeVar("T")
R = TypeVar("R", bound="RunningBrowser")

START_SECONDS = 30.0
TAB_SECONDS = 15.0
CLOSE_SECONDS = 5.0

GONE = "The browser went away: it crashed, was killed or was closed."
CLOSED = "The browser was closed."
TAB_CLOSED = "The tab was closed."
TAB_CRASHED = "The tab crashed."

# Of all tabs, whatever browser has them: a session outlives its browser, and its tape and its readers
# tell exchanges apart by their tabs.
_numbers = itertools.count(1)


class Tab(Protocol):
    """One tab, as an engine knows it."""

    @property
    def cdp(self) -> Cdp:
        """The session with it, once attached."""

    async def attach(self) -> None:
        """Connect to it."""

    def report_to(self, page: CdpPage) -> None:
        """Hand over what it reports from now on: events in their order, and that it is lost or closed."""

    async def ask_to_close(self) -> None:
        """Ask the browser to close it; BrowserError if it cannot be asked."""


class RunningBrowser(ABC):
    """Implements `protocols.Browser`. `tag` is on all processes that were started for it."""

    def __init__(self, settings: Settings, path: str = "", *, sandboxed: bool = False) -> None:
        self.tag = process_tag.new_tag()
        self.version = ""
        self.sandboxed = sandboxed
        self._settings, self._path = settings, path
        self._ours = within(settings.base_url)
        self._pages: dict[CdpPage, Tab] = {}
        self._gone = ""
        self._callbacks: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._opening: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    @abstractmethod
    async def _open(self, storage_state: dict[str, Any] | None) -> None:
        """Start the browser or connect to one, put the session in, learn its version. Once."""

    @abstractmethod
    async def _new_tab(self) -> Tab:
        """Make an empty tab. It is not cancelled: a browser makes the tab all the same."""

    @abstractmethod
    async def _storage_state(self) -> dict[str, Any]:
        """See `protocols.Browser.storage_state`."""

    @abstractmethod
    async def _end(self) -> None:
        """End what was started, in bounded time, also where `_open` has not come to its end. Never raises."""

    def _start_error(self, what: str, said: str) -> BrowserError:
        """The error for what the driver said when the browser could not be opened."""
        return driver_error(what, said)

    @property
    def closed(self) -> bool:
        return bool(self._gone)

    async def new_page(self, sink: Callable[[ExchangeEvent], None]) -> CdpPage:
        if self._gone:
            raise BrowserClosed(self._gone)
        return await run_driver(TAB_SECONDS, "open a tab", self._new_page(sink))

    async def storage_state(self) -> dict[str, Any]:
        if self._gone:
            raise BrowserClosed(self._gone)
        state = await run_driver(TAB_SECONDS, "read the session", self._storage_state())
        redact.remember_cookies(state)
        return state

    def on_closed(self, callback: Callable[[], None]) -> None:
        if self._gone:
            callback()
        else:
            self._callbacks.append(callback)

    async def close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="close the browser")
        await asyncio.shield(self._closing)

    async def start(self, storage_state: dict[str, Any] | None) -> None:
        """For the engine, once. Raises BrowserTimeout or BrowserError, and leaves nothing then."""
        redact.remember_cookies(storage_state)
        what = f"start {self._path}" if self._path else "answer"
        # Not cancelled with us: a driver stopped half way forgets what it has started.
        self._opening = asyncio.create_task(self._open(storage_state), name="start a browser")
        started = False
        try:
            await run_driver(START_SECONDS, what, asyncio.shield(self._opening), self._start_error)
            started = True
        finally:
            if not started:
                await self.close()

    def mark_gone(self, reason: str = GONE) -> None:
        """The browser is of no use any more; what is said to whom it may concern, once."""
        if self._gone:
            return
        self._gone = reason
        for page in tuple(self._pages):
            page.mark_closed(reason)
        for callback in self._callbacks:
            callback()

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Do something that nobody waits for, but that is over before the browser is closed."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _new_page(self, sink: Callable[[ExchangeEvent], None]) -> CdpPage:
        making = asyncio.ensure_future(self._new_tab())
        page = None
        try:
            tab = await asyncio.shield(making)
            await tab.attach()
            id, cdp = f"page-{next(_numbers)}", tab.cdp
            pump, pause = Pump(cdp, Tap(id, self._ours), sink), self._settings.slow_mo / 1000
            page = CdpPage(id, cdp, pump, tab.ask_to_close, pause=pause)
            self._pages = {page: tab} | {each: its for each, its in self._pages.items() if not each.closed}
            tab.report_to(page)
            # Several tabs are at work at a time; each must think that it is the one looked at.
            await cdp.send("Emulation.setFocusEmulationEnabled", {"enabled": True})
            await page.open()
        except BaseException:
            if page is None:
                self.spawn(_close_when_made(making), "close a tab that nobody waits for")
            else:
                await page.close()
            raise
        return page

    async def _close(self) -> None:
        if self._settings.connect and not self._gone:  # it goes on without us, and our tabs must not
            await finish_in_time(
                asyncio.gather(*(page.close() for page in self._pages), return_exceptions=True)
            )
        self.mark_gone(CLOSED)
        for page in self._pages:
            await page.wait_closed()
        await self._end()
        for task in tuple(self._tasks):
            task.cancel()
            await asyncio.wait({task})

    def _open_sessions(self) -> list[Cdp]:
        """Those with the tabs that are open."""
        return [tab.cdp for page, tab in self._pages.items() if not page.closed]

    async def _close_tabs(self) -> None:
        """Of a browser that goes on without us, close the tabs that are ours."""
        tabs = [tab.ask_to_close() for tab in self._pages.values()]
        await finish_in_time(asyncio.gather(*tabs, *self._tasks, return_exceptions=True))


async def start_browser(
    make: Callable[..., R], settings: Settings, storage_state: dict[str, Any] | None
) -> R:
    """A browser of that engine, started or connected to; what `protocols.Engine.start` promises."""
    if settings.connect:
        browser = make(settings)
    else:
        start_failures.check_settings(settings)
        found = await find_or_download(settings.browser, settings.channel)
        box = await asyncio.to_thread(detect_sandbox)
        browser = make(settings, found.path, sandboxed=box.on)
    await browser.start(storage_state)
    return browser


async def run_driver(
    seconds: float,
    what: str,
    work: Awaitable[T],
    translated: Callable[[str, str], BrowserError] | None = None,
) -> T:
    """The result of a driver's work, or an error of ours without cause and context."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        failure: BrowserError = BrowserTimeout(f"The browser did not {what} within {seconds:g} s.")
    except BrowserError as error:
        failure = error
    except Exception as error:
        failure = (translated or driver_error)(what, str(error))
    raise failure


def driver_error(what: str, said: str) -> BrowserError:
    """The error for what a driver said while the browser was to do something."""
    error = refusal(what, said)
    return (
        BrowserError(f"The browser did not {what}: {error.reason}") if isinstance(error, Refused) else error
    )


async def finish_in_time(work: Awaitable[Any]) -> bool:
    """Whether it was over within CLOSE_SECONDS; what it raised does not matter."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await work
    except TimeoutError:
        return False
    except Exception:
        return True
    return True


async def _close_when_made(making: Awaitable[Tab]) -> None:
    """Close a tab as soon as it is there."""
    with contextlib.suppress(Exception):
        await (await making).ask_to_close()
