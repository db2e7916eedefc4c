"""The Playwright engine: its launcher and its pipe to the browser; the verbs are `page.CdpPage`'s.

What Playwright raises never leaves this module: its messages hold whole addresses and call logs.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import shutil
import time
from typing import TYPE_CHECKING, Any, TypeVar, cast

from playwright.async_api import async_playwright

from huggingchat_agent import redact
from huggingchat_agent.browser import mark as marks
from huggingchat_agent.browser.cdp import refusal
from huggingchat_agent.browser.find import find_or_download
from huggingchat_agent.browser.page import CdpPage
from huggingchat_agent.browser.playwright_session import PlaywrightSession
from huggingchat_agent.browser.pump import Pump, within
from huggingchat_agent.browser.sandbox import sandbox
from huggingchat_agent.errors import BrowserClosed, BrowserError, BrowserTimeout
from huggingchat_agent.settings import secrets_aside
from huggingchat_agent.wire.tap import Tap

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import playwright.async_api as driver

    from huggingchat_agent.browser.find import Found
    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.settings import Settings

T = TypeVar("T")

START_SECONDS = 30.0
TAB_SECONDS = 15.0
CLOSE_SECONDS = 5.0
_SWEEPS = 25

_GONE = "The browser went away: it crashed, was killed or was closed."
_CLOSED = "The browser was closed."
_WRITTEN = re.compile(r"^\[pid=\d+\]\[err\] (.*)$", re.MULTILINE)
_ARGUMENTS = ("--disable-domain-reliability", "--disable-client-side-phishing-detection", "--no-pings")


class PlaywrightEngine:
    """Implements `protocols.Engine`."""

    name = "playwright"

    async def start(self, settings: Settings, storage_state: dict[str, Any] | None) -> PlaywrightBrowser:
        """Start a browser. Raises BrowserMissing, BrowserTimeout or BrowserError; leaves nothing then."""
        found = await find_or_download(settings.browser)
        box = await asyncio.to_thread(sandbox)
        browser = PlaywrightBrowser(settings, sandboxed=box.on)
        # Not cancelled with us: Playwright stopped half way forgets what it has started.
        browser.opening = asyncio.create_task(browser.open(found, storage_state), name="start a browser")
        started = False
        try:
            await _driven(START_SECONDS, f"start {found.path}", asyncio.shield(browser.opening), _unstarted)
            started = True
        finally:
            if not started:
                await browser.close()
        return browser


class PlaywrightBrowser:
    """Implements `protocols.Browser`. `mark` is on all its processes."""

    def __init__(self, settings: Settings, *, sandboxed: bool) -> None:
        self.mark = marks.mark()
        self._settings, self._sandboxed = settings, sandboxed
        self._manager = async_playwright()
        self.opening: asyncio.Task[None] | None = None
        self._browser: driver.Browser | None = None
        self._context: driver.BrowserContext | None = None
        self._process = 0
        self._folders: list[Path] = []
        self._version = ""
        self._root: PlaywrightSession | None = None
        self._ours = within(settings.base_url)
        self._pages: dict[str, CdpPage] = {}
        self._numbers = itertools.count(1)
        self._discarding: set[asyncio.Task[None]] = set()
        self._gone = ""
        self._callbacks: list[Callable[[], None]] = []
        self._closing: asyncio.Task[None] | None = None

    @property
    def version(self) -> str:
        return self._version

    @property
    def sandboxed(self) -> bool:
        return self._sandboxed

    @property
    def closed(self) -> bool:
        return bool(self._gone)

    async def open(self, found: Found, storage_state: dict[str, Any] | None) -> None:
        """Start driver and browser; for the engine, once, in `opening`."""
        with secrets_aside():  # Playwright's own process gets `os.environ` as it is
            playwright = await self._manager.start()
        self._browser = browser = await playwright.chromium.launch(
            executable_path=found.path,
            headless=self._settings.headless,
            chromium_sandbox=self._sandboxed,
            args=[*_ARGUMENTS, marks.switch(self.mark)],
            env=dict(marks.environment(self.mark)),
            # Signals are for us to deal with.
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
        )
        browser.on("disconnected", lambda _: self._lost(_GONE))
        self._root = root = PlaywrightSession(await browser.new_browser_cdp_session())
        self._version = (await root.send("Browser.getVersion"))["product"].replace("/", " ")
        processes = (await root.send("SystemInfo.getProcessInfo"))["processInfo"]
        self._process = next(each["id"] for each in processes if each["type"] == "browser")
        self._folders = marks.folders(self._process)
        redact.remember_cookies(storage_state)
        self._context = await browser.new_context(storage_state=cast("Any", storage_state))

    async def new_page(self, sink: Callable[[ExchangeEvent], None]) -> CdpPage:
        if self._context is None or self._gone:
            raise BrowserClosed(self._gone)
        return await _driven(TAB_SECONDS, "open a tab", self._new_page(self._context, sink))

    async def storage_state(self) -> dict[str, Any]:
        if self._context is None or self._gone:
            raise BrowserClosed(self._gone)
        state = await _driven(TAB_SECONDS, "read the session", self._context.storage_state())
        redact.remember_cookies(state)
        return cast("dict[str, Any]", state)

    def on_closed(self, callback: Callable[[], None]) -> None:
        if self._gone:
            callback()
        else:
            self._callbacks.append(callback)

    async def close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="close the browser")
        await asyncio.shield(self._closing)

    async def _new_page(
        self, context: driver.BrowserContext, sink: Callable[[ExchangeEvent], None]
    ) -> CdpPage:
        making = asyncio.ensure_future(context.new_page())
        try:
            # Not cancelled with us: the browser would make the tab all the same, and nobody would have it.
            tab = await asyncio.shield(making)
            session = PlaywrightSession(await context.new_cdp_session(tab))
            target = (await session.send("Target.getTargetInfo"))["targetInfo"]["targetId"]
        except BaseException:
            task = asyncio.create_task(_discard(making), name="close a tab that nobody waits for")
            self._discarding.add(task)
            task.add_done_callback(self._discarding.discard)
            raise
        id = f"page-{next(self._numbers)}"

        async def ask_to_close() -> None:
            if self._root is not None:
                await self._root.send("Target.closeTarget", {"targetId": target})

        def ended() -> None:
            self._pages.pop(id, None)
            page.ended("The tab was closed.")

        page = CdpPage(id, session, Pump(session, Tap(id, self._ours), sink), ask_to_close)
        self._pages[id] = page
        session.on(page.receive)
        tab.on("crash", lambda _: page.lost("The tab crashed."))
        tab.on("close", lambda _: ended())
        opened = False
        try:
            await page.open()
            opened = True
        finally:
            if not opened:
                await page.close()
        return page

    def _lost(self, reason: str) -> None:
        if self._gone:
            return
        self._gone = reason
        for page in tuple(self._pages.values()):
            page.ended(reason)
        for callback in self._callbacks:
            callback()

    async def _close(self) -> None:
        self._lost(_CLOSED)
        for page in self._pages.values():
            await page.settled()
        if self.opening is not None and not await _in_time(asyncio.shield(self.opening)):
            self._kill()
            await _in_time(self.opening)
        if self._browser is not None and not await _in_time(self._browser.close()):
            self._kill()
        if not await _in_time(self._manager.__aexit__()):
            self._kill(driver_too=True)
            await _in_time(self._manager.__aexit__())
        for task in tuple(self._discarding):
            task.cancel()
            await asyncio.wait({task})
        if self._folders or marks.processes(self.mark):
            try:
                await asyncio.to_thread(self._sweep)
            except RuntimeError:  # the interpreter is ending, and lets no thread begin
                self._sweep()

    def _kill(self, *, driver_too: bool = False) -> None:
        """End what does not end by itself: the browser, and Playwright's own process."""
        marks.kill({self._process, *marks.processes(self.mark)})
        if driver_too:
            client = getattr(self._manager, "_client", None)
            process = getattr(getattr(client, "_transport", None), "_proc", None)
            if process is not None and process.returncode is None:
                process.kill()

    def _sweep(self) -> None:
        """Remove what a browser leaves that was killed, once nobody writes there any more."""
        marks.kill(marks.processes(self.mark))
        for folder in self._folders:
            for _ in range(_SWEEPS):
                shutil.rmtree(folder, ignore_errors=True)
                if not folder.exists():
                    break
                time.sleep(0.02)


async def _driven(
    seconds: float,
    what: str,
    work: Awaitable[T],
    translated: Callable[[str, str], BrowserError] = refusal,
) -> T:
    """The result of Playwright's work, or an error of ours without cause and context."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        failure: BrowserError = BrowserTimeout(f"The browser did not {what} within {seconds:g} s.")
    except BrowserError as error:
        failure = error
    except Exception as error:
        failure = translated(what, str(error))
    raise failure


def _unstarted(what: str, said: str) -> BrowserError:
    """The error for a browser that did not start, with what it wrote before it ended."""
    logs = said.partition("Call log:")[0]
    lines = _WRITTEN.findall(logs)
    why = [each for each in lines if "FATAL" in each] or lines[-3:] or [logs.partition("\n")[0]]
    return BrowserError(f"The browser did not {what}: {redact.text(' '.join(why))}")


async def _discard(making: Awaitable[driver.Page]) -> None:
    """Close a tab as soon as it is there."""
    with contextlib.suppress(Exception):
        await (await making).close()


async def _in_time(work: Awaitable[None]) -> bool:
    """Whether it was done within CLOSE_SECONDS; what it raised does not matter."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await work
    except TimeoutError:
        return False
    except Exception:
        return True
    return True
