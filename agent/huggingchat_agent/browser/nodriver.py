"""The nodriver engine: it connects to a browser that we launch; the verbs are `page.CdpPage`'s.

Of nodriver only the connection is used, and of that the raw messages: its own launcher, event
classes and handlers lose what we must not lose.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from nodriver.core.connection import Connection, ProtocolException

from huggingchat_agent import redact
from huggingchat_agent.browser import mark as marks
from huggingchat_agent.browser import script
from huggingchat_agent.browser.cdp import refusal
from huggingchat_agent.browser.find import find_or_download
from huggingchat_agent.browser.launch import Launched
from huggingchat_agent.browser.page import CdpPage
from huggingchat_agent.browser.pump import Pump, within
from huggingchat_agent.browser.sandbox import sandbox
from huggingchat_agent.errors import BrowserClosed, BrowserError, BrowserTimeout
from huggingchat_agent.wire.tap import Tap

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator

    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.settings import Settings

    Receive = Callable[[str, dict[str, Any]], None]

T = TypeVar("T")

START_SECONDS = 30.0
TAB_SECONDS = 15.0
CLOSE_SECONDS = 5.0

_GONE = "The browser went away: it crashed, was killed or was closed."
_CLOSED = "The browser was closed."
_COOKIE = ("name", "value", "domain", "path", "expires", "httpOnly", "secure", "sameSite")
_STORED = """() => [location.origin, /^http/.test(location.protocol)
    ? Object.entries(localStorage).map(([name, value]) => ({name, value})) : []]"""
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
        self._link = _Link(self._event, lambda: self._lost(_GONE))
        self._root = _Session(self._link)
        self._ours = within(settings.base_url)
        self._version = ""
        self._tabs: dict[str, _Tab] = {}  # by session id
        self._answers: set[asyncio.Task[Any]] = set()
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
        await self._link.connect(self._launched.address)
        self._watching = asyncio.create_task(self._watch(), name="watch the browser")
        self._version = (await self._root.send("Browser.getVersion"))["product"].replace("/", " ")
        state = storage_state or {}
        redact.remember_cookies(state)
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
        target, session_id, session = await self._new_tab()
        id = f"page-{next(self._numbers)}"

        async def ask_to_close() -> None:
            await self._root.send("Target.closeTarget", {"targetId": target})

        def receive(method: str, params: dict[str, Any]) -> None:
            if method == "Inspector.targetCrashed":
                page.lost("The tab crashed.")
            elif method == "Page.javascriptDialogOpening":
                self._answer_dialog(session, params)
            else:
                page.receive(method, params)

        page = CdpPage(id, session, Pump(session, Tap(id, self._ours), sink), ask_to_close)
        self._tabs[session_id] = _Tab(page, session)
        self._link.receivers[session_id] = receive
        opened = False
        try:
            await session.send("Inspector.enable")
            await session.send("Emulation.setFocusEmulationEnabled", {"enabled": True})
            await page.open()
            opened = True
        finally:
            if not opened:
                await page.close()
        return page

    async def _new_tab(self) -> tuple[str, str, _Session]:
        """Ids of target and session, and the session, of a new empty tab."""
        making = asyncio.ensure_future(self._root.send("Target.createTarget", {"url": "about:blank"}))
        try:
            # Not cancelled with us: the browser would make the tab all the same, and nobody would have it.
            target = (await asyncio.shield(making))["targetId"]
            attach = {"targetId": target, "flatten": True}
            id = (await self._root.send("Target.attachToTarget", attach))["sessionId"]
        except BaseException:
            self._start(self._discard(making), "close a tab that nobody waits for")
            raise
        return target, id, _Session(self._link, id)

    async def _discard(self, making: Awaitable[dict[str, Any]]) -> None:
        with contextlib.suppress(BrowserError):
            await self._root.send("Target.closeTarget", {"targetId": (await making)["targetId"]})

    def _answer_dialog(self, session: _Session, params: dict[str, Any]) -> None:
        """Close a dialog of the browser: it would hold back everything in its tab."""
        answer = session.send("Page.handleJavaScriptDialog", {"accept": params["type"] == "beforeunload"})
        self._start(answer, "close a dialog")

    def _start(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _restore(self, origin: str, items: list[dict[str, str]]) -> None:
        """Put items into the local storage of an origin, in a tab where every answer is an empty page."""
        target, id, session = await self._new_tab()

        def answer(method: str, params: dict[str, Any]) -> None:
            if method == "Fetch.requestPaused":
                empty = {"requestId": params["requestId"], "responseCode": 200, "body": ""}
                self._start(session.send("Fetch.fulfillRequest", empty), "answer with an empty page")

        self._origins[origin] = items
        self._link.receivers[id] = answer
        await session.send("Fetch.enable")
        await session.send("Page.navigate", {"url": origin})
        await script.evaluate(session, _STORE, items)
        await self._root.send("Target.closeTarget", {"targetId": target})

    async def _storage_state(self) -> dict[str, Any]:
        cookies = (await self._root.send("Storage.getCookies"))["cookies"]
        for page, session in list(self._tabs.values()):
            if not page.closed:
                origin, items = await script.evaluate(session, _STORED)
                self._origins[origin] = items
        redact.remember_cookies({"cookies": cookies})
        return {
            "cookies": [_from_browser(each) for each in cookies],
            "origins": [
                {"origin": origin, "localStorage": items} for origin, items in self._origins.items() if items
            ],
        }

    def _event(self, method: str, params: dict[str, Any]) -> None:
        """What the browser as a whole reports: that a tab is gone."""
        if method == "Target.detachedFromTarget":
            self._link.receivers.pop(params["sessionId"], None)
            if tab := self._tabs.pop(params["sessionId"], None):
                tab.page.ended("The tab was closed.")

    async def _watch(self) -> None:
        await self._launched.ended()
        self._lost(_GONE)

    def _lost(self, reason: str) -> None:
        if self._gone:
            return
        self._gone = reason
        for tab in self._tabs.values():
            tab.page.ended(reason)
        for callback in self._callbacks:
            callback()

    async def _close(self) -> None:
        self._lost(_CLOSED)
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        for tab in self._tabs.values():
            await tab.page.settled()
        patience = 0.0
        with contextlib.suppress(BrowserError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._root.send("Browser.close")
                patience = CLOSE_SECONDS
        await self._launched.stop(patience)
        await self._link.disconnect()
        await asyncio.gather(*self._answers, return_exceptions=True)


class _Tab(NamedTuple):
    page: CdpPage
    session: _Session


class _Link(Connection):  # type: ignore[misc]
    """The one connection to the browser: raw messages in their order, to the session they are of.

    nodriver's own `attach`, event classes and handlers are passed by: they lag behind browsers.
    """

    def __init__(self, receive: Receive, lost: Callable[[], None]) -> None:
        super().__init__()
        self._lost = lost
        self.receivers: dict[str, Receive] = {"": receive}

    async def connect(self, address: str) -> None:
        self.websocket_url = address
        await self.aopen()
        self._listener_task.add_done_callback(lambda _: self._lost())

    async def process_event(self, message: dict[str, Any], tx_id: int | None = None) -> None:
        if receive := self.receivers.get(message.get("sessionId", "")):
            receive(message["method"], message.get("params", {}))

    async def disconnect(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.aclose()


class _Session:
    """One CDP session on the link, as a `cdp.Cdp`; without an id that with the browser as a whole."""

    def __init__(self, link: _Link, id: str = "") -> None:
        self._link, self._id = link, id

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._link.socket is None:  # nodriver would connect anew
            raise BrowserClosed(_GONE)
        address = {"sessionId": self._id} if self._id else {}
        try:
            # `_attach` keeps nodriver from putting a session id of its own in.
            answer: dict[str, Any] = await self._link.send(
                _command(method, params or {}), _attach=True, **address
            )
            return answer
        except ProtocolException as error:
            said = str(error.message)
        except Exception:  # the socket is closed, in one of many ways
            said = "session closed"
        # Outside of the handler, so that the driver's error does not hang on to ours.
        raise refusal(method, said)


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
    return {key: cookie[key] for key in _COOKIE if key in cookie and (key, cookie[key]) != ("expires", -1)}


def _from_browser(cookie: dict[str, Any]) -> dict[str, Any]:
    return {key: cookie[key] for key in _COOKIE if key in cookie} | {
        "sameSite": cookie.get("sameSite", "Lax")
    }
