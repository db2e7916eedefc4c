"""The part that all engines share: starting in time, tabs, and the end of a browser.

An engine opens the browser, makes a tab, reads the session, and ends its processes: see the abstract methods
of `RunningBrowser`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from huggingchat_agent import redact
from huggingchat_agent.browser import (
    endpoints,
    memory,
    persons_browser,
    process_tag,
    site_data,
    start_failures,
    temporary,
)
from huggingchat_agent.browser.cdp import Refused, make_refusal
from huggingchat_agent.browser.dropped_cookies import DroppedCookies
from huggingchat_agent.browser.executable import find_or_download
from huggingchat_agent.browser.heartbeat import PATIENCE, wait_until_silent
from huggingchat_agent.browser.page import CdpPage
from huggingchat_agent.browser.pump import Pump, make_filter
from huggingchat_agent.browser.sandbox import detect_sandbox
from huggingchat_agent.errors import BrowserClosed, BrowserError, BrowserTimeout
from huggingchat_agent.log_records import log
from huggingchat_agent.wire.tap import Tap

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from huggingchat_agent.browser.cdp import Cdp
    from huggingchat_agent.endpoint import Endpoint
    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.settings import Settings


T = TypeVar("T")
R = TypeVar("R", bound="RunningBrowser")

START_SECONDS = 30.0
TAB_SECONDS = 15.0
CLOSE_SECONDS = 4.0

GONE = "The browser is gone: it crashed, was killed or was closed."
HUNG = f"The browser hung: it answered nothing for {PATIENCE:g} s, and was ended."
CLOSED = "The browser was closed."
TAB_CLOSED = "The tab was closed."
TAB_CRASHED = "The tab crashed."

# Chromium repeats a request, even a message, if a connection that it has used before breaks. With this header
# it uses each connection of HTTP/1.1 once. Over HTTP/2 and 3 it leaves the header out.
USE_ONCE = {"headers": {"Connection": "close"}}

# Numbers tabs across all browsers: a session outlives its browser, and its tape and its readers distinguish
# exchanges by tab.
_numbers = itertools.count(1)


class Tab(Protocol):
    """An engine's tab."""

    @property
    def cdp(self) -> Cdp:
        """Its CDP session, once attached."""

    async def attach(self) -> None:
        """Open its CDP session."""

    def report_to(self, page: CdpPage) -> None:
        """Pass on its events, in order, from now on; also that it crashed or was closed."""

    async def ask_to_close(self) -> None:
        """Ask the browser to close it. Raises BrowserError if that cannot be sent."""


class RunningBrowser(ABC):
    """Implements `protocols.Browser`. All its processes carry `tag`."""

    def __init__(self, settings: Settings, path: str = "", *, sandboxed: bool = False) -> None:
        self.tag = process_tag.make_tag()
        self.version = ""
        self.sandboxed = sandboxed
        self.hung = False  # it answers nothing any more
        self.dropped_cookies = DroppedCookies()
        self._settings, self._path = settings, path
        self._ours = make_filter(settings.base_url)
        self._pages: dict[CdpPage, Tab] = {}
        self._origins: dict[str, site_data.Items] = {}  # local storage as it was read last
        self._gone = ""
        self._callbacks: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._opening: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._heartbeat: asyncio.Task[Any] | None = None

    @abstractmethod
    async def _open(self, storage_state: dict[str, Any] | None) -> None:
        """Start or connect to a browser, load the cookies, read the version. Called once."""

    @abstractmethod
    async def _open_tab(self) -> Tab:
        """Make an empty tab. Never cancelled, because the browser would make the tab anyway."""

    @abstractmethod
    async def _read_state(self) -> dict[str, Any]:
        """See `protocols.Browser.storage_state`."""

    @abstractmethod
    async def _ping(self) -> None:
        """Ask the browser something that it can answer at once."""

    @abstractmethod
    def _kill(self) -> None:
        """Kill the browser that was started."""

    @abstractmethod
    async def _end(self) -> None:
        """End what was started, in bounded time, even if `_open` has not finished. Never raises."""

    def _make_start_error(self, what: str, said: str) -> BrowserError:
        """The error for a driver's message when the browser could not be opened."""
        return make_driver_error(what, said)

    @property
    def closed(self) -> bool:
        return bool(self._gone)

    @property
    def _leaves_nothing(self) -> bool:
        """Whether it may be killed at its end: its profile is temporary, and saving that would take long."""
        return self.hung or self._settings.user_data_dir is None

    async def new_page(self, sink: Callable[[ExchangeEvent], None]) -> CdpPage:
        if self._gone:
            raise BrowserClosed(self._gone)
        return await run_driver(TAB_SECONDS, "open a tab", self._open_page(sink))

    async def storage_state(self) -> dict[str, Any]:
        if self._gone:
            raise BrowserClosed(self._gone)
        state = await run_driver(TAB_SECONDS, "read the session", self._read_state())
        redact.remember_cookies(state)
        return state

    def measure_memory(self) -> float:
        return memory.measure(self._find_processes())

    def _find_processes(self) -> set[int]:
        """Everything that was started for it."""
        return set(process_tag.find_processes(self.tag))

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
        """For the engine, once. If it raises (BrowserTimeout or BrowserError), it leaves nothing behind."""
        redact.remember_cookies(storage_state)
        known = (storage_state or {}).get("origins", [])
        self._origins = {each["origin"]: each["localStorage"] for each in known}
        what = f"start {self._path}" if self._path else "answer"
        # Not cancelled with us: a driver that is stopped half-way forgets what it has started.
        self._opening = asyncio.create_task(self._open(storage_state), name="start a browser")
        started = False
        try:
            await run_driver(self._patience, what, asyncio.shield(self._opening), self._make_start_error)
            started = True
            self._heartbeat = self.spawn(self._watch(), "watch that the browser answers")
        finally:
            if not started:
                await self.close()

    def mark_gone(self, reason: str = GONE) -> None:
        """The browser is gone: tell its pages and the callbacks, once."""
        if self._gone:
            return
        self._gone = reason
        for page in tuple(self._pages):
            page.mark_closed(reason)
        for callback in self._callbacks:
            callback()

    async def _watch(self) -> None:
        """Kill a browser that does not answer. The next use starts another one."""
        await wait_until_silent(self._ping)
        if not self._gone:
            self.hung = True
            log.warning("%s", HUNG)
            if not self._settings.connect:
                self._kill()
            self.mark_gone(HUNG)

    async def _connect(self, open_one: Callable[[Endpoint], Awaitable[T]]) -> T:
        """Connect to the best of the running browsers in the settings. Raises BrowserError."""
        if self._settings.searched:
            return await self._connect_to_persons(open_one)
        held, opened = await endpoints.connect(self._settings.endpoints, open_one)
        self.on_closed(lambda: held.release(failed=self._gone != CLOSED))
        return opened

    async def _connect_to_persons(self, open_one: Callable[[Endpoint], Awaitable[T]]) -> T:
        """Connect to the user's own browser, once: it may ask them each time."""
        running = await asyncio.to_thread(persons_browser.find_running, str(self._settings.connect))
        log.info("Connecting to %s, which is running.", running)
        why = ""
        try:
            async with asyncio.timeout(persons_browser.ALLOW_SECONDS):
                return await open_one(running.endpoint)
        except TimeoutError:
            why = f"not within {persons_browser.ALLOW_SECONDS:g} s"
        except BrowserError as error:
            why = error.message
        raise persons_browser.make_refusal(running, why)

    @property
    def _patience(self) -> float:
        """Seconds for the start, a person's answer included."""
        return START_SECONDS + (persons_browser.ALLOW_SECONDS if self._settings.searched else 0)

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run a task in the background. It ends before the browser is closed."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _open_page(self, sink: Callable[[ExchangeEvent], None]) -> CdpPage:
        making = asyncio.ensure_future(self._open_tab())
        page = None
        try:
            tab = await asyncio.shield(making)
            await tab.attach()
            id, cdp = f"page-{next(_numbers)}", tab.cdp
            pump, pause = Pump(cdp, Tap(id, self._ours), sink), self._settings.slow_mo / 1000
            page = CdpPage(id, cdp, pump, tab.ask_to_close, pause=pause, dropped_cookies=self.dropped_cookies)
            self._pages = {page: tab} | {each: its for each, its in self._pages.items() if not each.closed}
            tab.report_to(page)
            # Several tabs work at the same time; each must think that it has the focus.
            await cdp.send("Emulation.setFocusEmulationEnabled", {"enabled": True})
            if not self._settings.own_cookies:
                await site_data.restore_local_storage(cdp, self._origins)
            await page.open()
            if not self._settings.connect:
                await cdp.send("Network.setExtraHTTPHeaders", USE_ONCE)
        except BaseException:
            if page is None:
                self.spawn(_close_when_made(making), "close an abandoned tab")
            else:
                await page.close()
            raise
        return page

    async def _close(self) -> None:
        if self._settings.connect and not self._gone:  # the browser runs on without us; our tabs must not
            await finish_in_time(
                asyncio.gather(*(page.close() for page in self._pages), return_exceptions=True)
            )
        self.mark_gone(CLOSED)
        if self._heartbeat is not None:  # it ends by itself only when the browser hangs
            self._heartbeat.cancel()
        for page in self._pages:
            await page.wait_closed()
        await self._end()
        for task in tuple(self._tasks):
            task.cancel()
            await asyncio.wait({task})

    def _open_sessions(self) -> list[Cdp]:
        """The sessions of the open tabs."""
        return [tab.cdp for page, tab in self._pages.items() if not page.closed]

    async def _make_state(self, cookies: list[dict[str, Any]]) -> dict[str, Any]:
        """The storage state with these cookies, and the local storage of each origin that had a tab."""
        self._origins |= await site_data.get_local_storage(self._open_sessions())
        found = [
            {"origin": origin, "localStorage": items} for origin, items in self._origins.items() if items
        ]
        return {"cookies": cookies, "origins": found}

    async def _read_site_state(self) -> dict[str, Any]:
        """The app's part of the browser's state, read through a tab of ours."""
        sessions = self._open_sessions()
        if sessions:
            return await site_data.get_site_state(sessions, self._settings.base_url)
        tab = await self._open_tab()
        try:
            await tab.attach()
            return await site_data.get_site_state([tab.cdp], self._settings.base_url)
        finally:
            await tab.ask_to_close()

    async def _close_tabs(self) -> None:
        """Close our tabs in a browser that runs on without us."""
        tabs = [tab.ask_to_close() for tab in self._pages.values()]
        await finish_in_time(asyncio.gather(*tabs, *self._tasks, return_exceptions=True))


async def start_browser(
    make: Callable[..., R], settings: Settings, storage_state: dict[str, Any] | None
) -> R:
    """Start or connect to a browser of that engine, as `protocols.Engine.start` promises."""
    if settings.connect:
        browser = make(settings)
    else:
        start_failures.check_settings(settings)
        await asyncio.to_thread(temporary.reap)
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
    """The result of a driver's work, or one of our errors, without cause and context."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        failure: BrowserError = BrowserTimeout(f"The browser did not {what} within {seconds:g} s.")
    except BrowserError as error:
        failure = error
    except Exception as error:  # of the driver, whose errors are of many classes
        failure = (translated or make_driver_error)(what, str(error))
    raise failure


def make_driver_error(what: str, said: str) -> BrowserError:
    """The error for a driver's message while the browser was to do something."""
    error = make_refusal(what, said)
    return (
        BrowserError(f"The browser did not {what}: {error.reason}") if isinstance(error, Refused) else error
    )


async def finish_in_time(work: Awaitable[Any]) -> bool:
    """Wait up to CLOSE_SECONDS for the work. Returns whether it ended; its errors do not matter."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await work
    except TimeoutError:
        return False
    except Exception:  # it ended, even so
        return True
    return True


async def _close_when_made(making: Awaitable[Tab]) -> None:
    """Close a tab as soon as it has been made."""
    with contextlib.suppress(Exception):
        await (await making).ask_to_close()
