"""The ten verbs of a tab, over a CDP connection alone. All engines use these pages."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, TypeVar, cast

from huggingchat_agent import redact
from huggingchat_agent.browser import console_messages, controls, evaluation, fields
from huggingchat_agent.browser.cdp import Refused
from huggingchat_agent.browser.controls import Obstacle
from huggingchat_agent.browser.dropped_cookies import EVENT as COOKIES
from huggingchat_agent.browser.dropped_cookies import DroppedCookies
from huggingchat_agent.browser.network_errors import advise
from huggingchat_agent.browser.snapshot import take_picture, take_snapshot
from huggingchat_agent.errors import BrowserClosed, BrowserError, BrowserTimeout, SiteError
from huggingchat_agent.origin import have_same_origin
from huggingchat_agent.wire.tap import EVENTS as TAPPED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from huggingchat_agent.browser.cdp import Cdp
    from huggingchat_agent.browser.protocols import Control, Snapshot, Upload
    from huggingchat_agent.browser.pump import Pump

T = TypeVar("T")

# The events that `receive` needs.
EVENTS = (*TAPPED, "Page.lifecycleEvent", COOKIES, *console_messages.EVENTS)


_SNAPSHOT_SECONDS = 4.0
_PICTURE_SECONDS = 10.0  # nothing waits for one, and a busy machine draws slowly
_ASIDE_SECONDS = 5.0  # for verbs that take no time
_STOP_SECONDS = 1.0
_CLOSE_SECONDS = 5.0
_CLOSE_AGAIN_SECONDS = 0.3
_LATER = 0.1  # the browser stops an endless script this many seconds after its verb's timeout


class CdpPage:
    """Implements `protocols.Page`. The engine passes the tab's events to `receive`, and reports its end.

    `ask_to_close` asks the browser to close the tab; `mark_closed` confirms that it did. After each gesture
    and page load the page waits `pause` seconds, which do not count as the verb's time.
    `dropped_cookies` gets the cookies of the documents' own origins that the browser does not keep.
    """

    def __init__(
        self,
        id: str,
        cdp: Cdp,
        pump: Pump,
        ask_to_close: Callable[[], Awaitable[None]],
        *,
        pause: float = 0.0,
        dropped_cookies: DroppedCookies | None = None,
    ) -> None:
        self._id, self._cdp, self._pump, self._ask_to_close = id, cdp, pump, ask_to_close
        self._pause = pause
        self.dropped_cookies = dropped_cookies or DroppedCookies()
        self._gone = ""
        self._ended = asyncio.Event()
        self._running: set[asyncio.Timeout] = set()
        self._navigation: _Navigation | None = None
        self._guests: set[str] = set()  # the document's requests to other origins, such as advertisements
        self._hear: Callable[[console_messages.PageMessage], None] | None = None

    @property
    def id(self) -> str:
        return self._id

    @property
    def closed(self) -> bool:
        return bool(self._gone)

    async def open(self) -> None:
        """Turn on the events that we need. Call it first."""
        await self._pump.open()
        await self._cdp.send("Page.setLifecycleEventsEnabled", {"enabled": True})

    def receive(self, method: str, params: dict[str, Any]) -> None:
        """Take one event of the tab. The driver's handler calls this, in order."""
        if method == "Network.dataReceived":
            pass  # by far the most frequent, and no matter of the page
        elif method in ("Page.lifecycleEvent", "Network.responseReceived") and self._navigation:
            self._navigation.note(params)
        elif method == "Network.requestWillBeSent":
            if not have_same_origin(params["request"]["url"], params.get("documentURL", "")):
                self._guests.add(params["requestId"])
                self.dropped_cookies.forget(params["requestId"])  # the events come in any order
        elif method == COOKIES:
            if params["requestId"] not in self._guests:
                self.dropped_cookies.take(params)
        elif self._hear is not None and (said := console_messages.parse_event(method, params)):
            self._hear(said)
        self._pump.take_event(method, params)

    def mark_gone(self, reason: str) -> None:
        """End the verbs under way and the tap, because the tab is gone. The sentence gives the reason."""
        if self._gone:
            return
        self._gone = reason
        now = asyncio.get_running_loop().time()
        for scope in self._running:
            if not scope.expired():
                scope.reschedule(now)
        self._pump.close()

    def mark_closed(self, reason: str) -> None:
        """The browser has closed the tab."""
        self._ended.set()
        self.mark_gone(reason)

    async def goto(self, url: str, *, timeout: float) -> None:
        shown = redact.address(url)
        try:
            await self._run_within(timeout, self._goto(url, shown), f"{shown} did not load")
            return await self._slow_down()
        except BrowserTimeout as error:
            failure = error
        # A navigation that hangs holds back all scripts, and so every verb that follows.
        with contextlib.suppress(BrowserError, TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                await self._cdp.send("Page.stopLoading")
        raise failure

    async def find(self, control: Control, *, timeout: float) -> bool:
        unfinished = f"{_describe(control)} was not found"
        if timeout <= 0:
            return await self._run_within(_ASIDE_SECONDS, controls.is_present(self._cdp, control), unfinished)
        try:
            await self._run_within(timeout, controls.wait_for_control(self._cdp, control), unfinished)
        except BrowserTimeout:
            return False
        return True

    async def click(self, control: Control, *, timeout: float) -> None:
        obstacle = Obstacle()
        gesture = controls.click(self._cdp, control, obstacle)
        await self._run_within(timeout, gesture, f"{_describe(control)} could not be clicked", obstacle)
        await self._slow_down()

    async def insert_text(self, selector: str, text: str, *, timeout: float) -> None:
        obstacle = Obstacle()
        gesture = fields.insert(self._cdp, selector, text, obstacle)
        await self._run_within(timeout, gesture, f"The field {selector} could not be filled in", obstacle)
        await self._slow_down()

    async def set_files(self, selector: str, files: Sequence[Upload], *, timeout: float) -> None:
        obstacle = Obstacle()
        gesture = fields.upload(self._cdp, selector, files, obstacle)
        timeout += fields.hand_over_seconds(len(each.data) for each in files)
        await self._run_within(timeout, gesture, f"The file input {selector} could not be filled", obstacle)
        await self._slow_down()

    async def evaluate(self, function: str, *args: Any, timeout: float) -> Any:
        work = evaluation.evaluate(self._cdp, function, *args, limit=timeout + _LATER)
        return await self._run_within(timeout, work, "A script in the page did not end")

    async def wait(self, function: str, *args: Any, timeout: float) -> Any:
        work = evaluation.wait_for(self._cdp, function, *args, limit=timeout + _LATER)
        return await self._run_within(timeout, work, "The awaited change of the page did not come")

    async def take_snapshot(self) -> Snapshot:
        return await self._run_within(
            _SNAPSHOT_SECONDS, take_snapshot(self._cdp), "No picture of the page could be taken"
        )

    async def observe(
        self, hear: Callable[[console_messages.PageMessage], None], *, everything: bool = False
    ) -> None:
        self._hear = hear
        if everything:
            self._pump.take_everything()
        work = asyncio.gather(self._cdp.send("Runtime.enable"), self._cdp.send("Log.enable"))
        await self._run_within(_ASIDE_SECONDS, _await_all(work), "The tab could not be observed")

    async def take_picture(self, secrets: Callable[[str], list[str]]) -> bytes:
        work = take_picture(self._cdp, secrets)
        return await self._run_within(_PICTURE_SECONDS, work, "No picture of the page could be taken")

    async def read_address(self) -> str:
        work = evaluation.wait_for(self._cdp, "() => location.href")
        return str(await self._run_within(_ASIDE_SECONDS, work, "The page did not report its address"))

    async def close(self) -> None:
        self.mark_gone("The tab was closed.")
        await self._pump.wait_closed()
        with contextlib.suppress(BrowserError, TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                # Chromium drops the request to close a tab during a navigation.
                while not self._ended.is_set():
                    await self._ask_to_close()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._ended.wait(), _CLOSE_AGAIN_SECONDS)

    async def wait_closed(self) -> None:
        """After `mark_gone`: wait until no task of this tab is left."""
        await self._pump.wait_closed()

    async def _slow_down(self) -> None:
        if self._pause:
            await asyncio.sleep(self._pause)

    async def _goto(self, url: str, shown: str) -> None:
        self._navigation = navigation = _Navigation()
        self._guests.clear()
        answer = await self._navigate(url)
        if answer.get("errorText") == "net::ERR_ABORTED":  # the old document went elsewhere just then
            answer = await self._navigate(url)
        loader = answer.get("loaderId", "")  # none: it was only another anchor in the same document
        problem = answer.get("errorText") or ("401" if loader in navigation.locked_out else "")
        if problem:
            status = navigation.statuses.get(loader, 0)
            error = SiteError(f"{shown} cannot be reached ({problem}).", **advise(problem, status))
            error.status, error.answered = status or None, bool(status)
            if "REDIRECTS" in problem:
                self.dropped_cookies.explain(error)
            raise error
        if loader:
            await navigation.wait_until_parsed(answer["frameId"], loader)

    async def _navigate(self, url: str) -> dict[str, Any]:
        try:
            return await self._cdp.send("Page.navigate", {"url": url})
        except Refused as refused:
            return {"errorText": refused.reason}

    async def _run_within(
        self, timeout: float, work: Coroutine[Any, Any, T], unfinished: str, obstacle: Obstacle | None = None
    ) -> T:
        """The result of the work; BrowserTimeout when the time is over, BrowserClosed when the tab is gone.

        It raises outside of the except blocks, so that errors have no context.
        """
        if self._gone:
            work.close()
            raise BrowserClosed(self._gone)
        try:
            async with asyncio.timeout(timeout) as scope:
                self._running.add(scope)
                try:
                    return await work
                finally:
                    self._running.discard(scope)
        except TimeoutError:
            pass
        except BrowserClosed as closed:
            self.mark_gone(str(closed))
        if self._gone:
            raise BrowserClosed(self._gone)
        if obstacle is None:
            raise BrowserTimeout(f"{unfinished} within {timeout:g} s.")
        if obstacle.now:
            raise BrowserTimeout(f"{unfinished} within {timeout:g} s: {obstacle.now}.")
        return cast("T", None)  # the gesture was made


class _Navigation:
    """Watches one navigation until its document is parsed.

    A document that redirects while it is parsed never gets there; then the next one counts.
    """

    def __init__(self) -> None:
        self.statuses: dict[str, int] = {}
        """Of each document's answer, by its loader."""
        self.locked_out: set[str] = set()
        """Loaders of documents that a gateway refused for lack of credentials."""
        self._seen: set[str] = set()
        self._frame = ""
        self._parsed = asyncio.Event()

    def note(self, event: dict[str, Any]) -> None:
        if response := event.get("response"):
            if event.get("type") == "Document":
                self.statuses[event["loaderId"]] = response["status"]
                asks = any(name.lower() == "www-authenticate" for name in response["headers"])
                if response["status"] == 401 and asks:
                    self.locked_out.add(event["loaderId"])
        elif event["name"] == "DOMContentLoaded":
            self._seen.add(event["loaderId"])
            if event["frameId"] == self._frame:
                self._parsed.set()

    async def wait_until_parsed(self, frame: str, loader: str) -> None:
        self._frame = frame
        if loader not in self._seen:
            await self._parsed.wait()


async def _await_all(work: Awaitable[Any]) -> None:
    await work


def _describe(control: Control) -> str:
    return f'The {control.role} "{control.name}"'
