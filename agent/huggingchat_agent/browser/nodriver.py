"""The nodriver engine: it connects to a browser that we launch; the verbs are `page.CdpPage`'s.

Of nodriver only the connection is used, and of that the raw messages: its own launcher, event
classes and handlers lose what we must not lose.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING, Any, TypeVar

from nodriver.core.connection import Connection, ProtocolException

from huggingchat_agent import redact
from huggingchat_agent.browser import mark as marks
from huggingchat_agent.browser import script
from huggingchat_agent.browser.cdp import refusal
from huggingchat_agent.browser.find import find_or_download
from huggingchat_agent.browser.launch import Launched
from huggingchat_agent.browser.page import CdpPage
from huggingchat_agent.browser.pump import Pump
from huggingchat_agent.browser.sandbox import sandbox
from huggingchat_agent.errors import BrowserClosed, BrowserError, BrowserTimeout
from huggingchat_agent.wire.tap import Tap

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.settings import Settings

T = TypeVar("T")

START_SECONDS = 30.0
TAB_SECONDS = 15.0
CLOSE_SECONDS = 5.0

_GONE = "The browser went away: it crashed, was killed or was closed."
_CLOSED = "The browser was closed."
_COOKIE = ("name", "value", "domain", "path", "expires", "httpOnly", "secure", "sameSite")
_STORED = "() => Object.entries(localStorage).map(([name, value]) => ({name, value}))"
_STORE = "items => items.forEach(({name, value}) => localStorage.setItem(name, value))"


class NodriverEngine:
    """Implements `protocols.Engine`."""

    name = "nodriver"

    async def start(self, settings: Settings, storage_state: dict[str, Any] | None) -> NodriverBrowser:
        """Start a browser. Raises BrowserMissing, BrowserTimeout or BrowserError; leaves nothing then."""
        found = await find_or_download(settings.browser)
        box = await asyncio.to_thread(sandbox)
        browser = NodriverBrowser(settings, found.path, sandboxed=box.on)
        started = False
        try:
            await _within(START_SECONDS, f"start {found.path}", browser.open(storage_state))
            started = True
        finally:
            if not started:
                await browser.close()
        return browser


class NodriverBrowser:
    """Implements `protocols.Browser`. `mark` is on all its processes."""

    def __init__(self, settings: Settings, path: str, *, sandboxed: bool) -> None:
        self.mark = marks.mark()
        self._settings, self._sandboxed = settings, sandboxed
        self._launched = Launched(path, self.mark)
        self._root = _Session(self._event, self._lost)
        self._version = ""
        self._pages: dict[str, tuple[CdpPage, _Session]] = {}
        self._origins: dict[str, list[dict[str, str]]] = {}
        self._numbers = itertools.count(1)
        self._gone = ""
        self._callbacks: list[Callable[[], None]] = []
        self._watching: asyncio.Task[None] | None = None
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

    async def open(self, storage_state: dict[str, Any] | None) -> None:
        """Start the browser and connect; for the engine, once."""
        await self._launched.start(headless=self._settings.headless, sandboxed=self._sandboxed)
        await self._root.connect(self._launched.address)
        self._watching = asyncio.create_task(self._watch(), name="watch the browser")
        self._version = (await self._root.send("Browser.getVersion"))["product"].replace("/", " ")
        state = storage_state or {}
        if cookies := [_to_browser(each) for each in state.get("cookies", [])]:
            await self._root.send("Storage.setCookies", {"cookies": cookies})
        for each in state.get("origins", []):
            await self._restore(each["origin"], each["localStorage"])

    async def new_page(self, sink: Callable[[ExchangeEvent], None]) -> CdpPage:
        if self._gone:
            raise BrowserClosed(self._gone)
        return await _within(TAB_SECONDS, "open a tab", self._new_page(sink))

    async def storage_state(self) -> dict[str, Any]:
        if self._gone:
            raise BrowserClosed(self._gone)
        return await _within(TAB_SECONDS, "read the session", self._storage_state())

    def on_closed(self, callback: Callable[[], None]) -> None:
        if self._gone:
            callback()
        else:
            self._callbacks.append(callback)

    async def close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="close the browser")
        await asyncio.shield(self._closing)

    async def _new_page(self, sink: Callable[[ExchangeEvent], None]) -> CdpPage:
        id = f"page-{next(self._numbers)}"
        session = _Session(
            lambda method, params: page.receive(method, params), lambda reason: page.lost(reason)
        )
        pump = Pump(session, Tap(id, lambda url: url.startswith(f"{self._settings.origin}/")), sink)
        page = CdpPage(id, session, pump, lambda: self._close_page(id))
        self._pages[id] = page, session
        opened = False
        try:
            await self._attach(session)
            await page.open()
            opened = True
        finally:
            if not opened:
                await page.close()
        return page

    async def _attach(self, session: _Session) -> None:
        target = (await self._root.send("Target.createTarget", {"url": "about:blank"}))["targetId"]
        await session.connect(self._launched.address, target)
        await session.send("Inspector.enable")
        await session.send("Emulation.setFocusEmulationEnabled", {"enabled": True})

    async def _close_page(self, id: str) -> None:
        if kept := self._pages.pop(id, None):
            with contextlib.suppress(BrowserError, TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._root.send("Target.closeTarget", {"targetId": kept[1].target})
            await kept[1].disconnect()

    async def _restore(self, origin: str, items: list[dict[str, str]]) -> None:
        """Put items into the local storage of an origin, in a tab where every answer is an empty page."""
        session = _Session(lambda method, params: answer(method, params))
        answers: set[asyncio.Task[Any]] = set()

        def answer(method: str, params: dict[str, Any]) -> None:
            if method == "Fetch.requestPaused":
                page = {"requestId": params["requestId"], "responseCode": 200, "body": ""}
                answers.add(asyncio.create_task(session.send("Fetch.fulfillRequest", page)))

        self._origins[origin] = items
        try:
            await self._attach(session)
            await session.send("Fetch.enable")
            await session.send("Page.navigate", {"url": origin})
            await script.evaluate(session, _STORE, items)
        finally:
            await asyncio.gather(*answers, return_exceptions=True)
            if session.target:
                await self._root.send("Target.closeTarget", {"targetId": session.target})
            await session.disconnect()

    async def _storage_state(self) -> dict[str, Any]:
        cookies = (await self._root.send("Storage.getCookies"))["cookies"]
        for page, session in list(self._pages.values()):
            if not page.closed:
                origin, items = await script.evaluate(session, f"() => [location.origin, ({_STORED})()]")
                self._origins[origin] = items
        for each in cookies:
            redact.remember(each["value"])
        return {
            "cookies": [_from_browser(each) for each in cookies],
            "origins": [
                {"origin": origin, "localStorage": items} for origin, items in self._origins.items() if items
            ],
        }

    def _event(self, method: str, params: dict[str, Any]) -> None:
        """Nothing that the browser as a whole reports matters; its end is seen by process and socket."""

    async def _watch(self) -> None:
        await self._launched.ended()
        self._lost(_GONE)

    def _lost(self, reason: str) -> None:
        if self._gone:
            return
        self._gone = reason
        for page, _ in self._pages.values():
            page.lost(reason)
        for callback in self._callbacks:
            callback()

    async def _close(self) -> None:
        self._lost(_CLOSED)
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        with contextlib.suppress(BrowserError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._root.send("Browser.close")
        for page, session in list(self._pages.values()):
            await page.settled()
            await session.disconnect()
        await self._root.disconnect()
        await self._launched.stop(CLOSE_SECONDS)


class _Session:
    """A nodriver connection, as a `cdp.Cdp`; to one tab, or to the browser as a whole."""

    def __init__(
        self, receive: Callable[[str, dict[str, Any]], None], lost: Callable[[str], None] = lambda _: None
    ) -> None:
        self.target = ""
        self._connection = _Raw(self._message)
        self._receive, self._lost = receive, lost

    async def connect(self, address: str, target: str = "") -> None:
        """Connect to the browser at the address, and to its target of that id if there is one."""
        self._connection.websocket_url = address
        self.target = target
        await self._connection.aopen()
        self._connection._listener_task.add_done_callback(lambda _: self._lost(_GONE))
        if target:
            # Not by nodriver's own `attach`, which reads answers into classes that lag behind browsers.
            attach = _command("Target.attachToTarget", {"targetId": target, "flatten": True})
            self._connection.session_id = (await self._connection.send(attach, _attach=True))["sessionId"]
            self._connection.target = target

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._connection.socket is None:  # nodriver would connect anew
            raise BrowserClosed(_GONE)
        try:
            answer: dict[str, Any] = await self._connection.send(
                _command(method, params or {}), _attach=not self.target
            )
            return answer
        except ProtocolException as error:
            said = str(error.message)
        except Exception:  # the socket is closed, in one of many ways
            said = "session closed"
        # Outside of the handler, so that the driver's error does not hang on to ours.
        raise refusal(method, said)

    async def disconnect(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._connection.aclose()

    def _message(self, message: dict[str, Any]) -> None:
        method, params = message["method"], message.get("params", {})
        if method == "Target.detachedFromTarget":
            self._lost("The tab was closed.")
        elif method == "Inspector.targetCrashed":
            self._lost("The tab crashed.")
        else:
            self._receive(method, params)


class _Raw(Connection):  # type: ignore[misc]
    """A connection that hands over raw messages, in their order."""

    def __init__(self, receive: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._hand_over = receive

    async def process_event(self, message: dict[str, Any], tx_id: int | None = None) -> None:
        self._hand_over(message)


def _command(
    method: str, params: dict[str, Any]
) -> Generator[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A command as nodriver wants it, with the result as it came."""
    return (yield {"method": method, "params": params})


async def _within(seconds: float, what: str, work: Awaitable[T]) -> T:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await work
    raise BrowserTimeout(f"The browser did not {what} within {seconds:g} s.")


def _to_browser(cookie: dict[str, Any]) -> dict[str, Any]:
    """A cookie of a storage state, as the browser takes it: without an end where it has none."""
    redact.remember(cookie["value"])
    return {key: cookie[key] for key in _COOKIE if key in cookie and (key, cookie[key]) != ("expires", -1)}


def _from_browser(cookie: dict[str, Any]) -> dict[str, Any]:
    return {key: cookie[key] for key in _COOKIE if key in cookie} | {
        "sameSite": cookie.get("sameSite", "Lax")
    }
