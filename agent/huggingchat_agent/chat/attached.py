"""The agent on a page that a test, a person or another script drives.

    attached = await attach(page, base_url="https://chat.example.org")
    await page.get_by_placeholder("Ask anything").fill("hello")
    await page.get_by_role("button", name="Send message").click()
    answer = await attached.wait_for_answer()

Turns are born on the wire, so whatever makes the page send gives the same events as the agent's own
`send`. The agent changes nothing in the page, stops no run, and leaves the page open.
"""

from __future__ import annotations

import asyncio
import time
from bisect import insort
from typing import TYPE_CHECKING

from huggingchat_agent import events, redact
from huggingchat_agent.browser.attached_page import attach_page
from huggingchat_agent.emitter import Emitter
from huggingchat_agent.errors import AgentError, TurnTimeout, UsageError
from huggingchat_agent.eventlog import EventLog
from huggingchat_agent.mistakes import asyncio_only
from huggingchat_agent.session import error_report
from huggingchat_agent.session.alternatives import Alternatives
from huggingchat_agent.session.drifts import Drifts
from huggingchat_agent.settings import make_settings
from huggingchat_agent.site.calls import PageCalls, require_success
from huggingchat_agent.state.storage import write_private
from huggingchat_agent.traffic.traffic import Traffic
from huggingchat_agent.turn.tracker import TurnTracker
from huggingchat_agent.user_text import require_path
from huggingchat_agent.wire import purposes, routes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Unpack

    from huggingchat_agent.answer import Answer
    from huggingchat_agent.browser.attached_page import AsyncPage, AttachedPage
    from huggingchat_agent.settings import Given, Settings
    from huggingchat_agent.turn.turn import Turn
    from huggingchat_agent.wire.means import Means
    from huggingchat_agent.wire.requests import Call


async def attach(page: AsyncPage, **given: Unpack[Given]) -> Attached:
    """Watch a page of Playwright's async API (Chromium) from now on.

    Arguments are the fields of `Settings`, by name. `base_url`, `deadlines`, `home` and `step_timeout` matter
    here. What the page sent before is not seen. Raises SettingsError, or BrowserError if the browser gives no
    CDP session or is too old.
    """
    chosen = make_settings(**given)
    traffic = Traffic(chosen.base_path)
    watched = await attach_page(page, chosen.base_url, traffic.put)
    attached = Attached(chosen, traffic, watched)
    await watched.open()
    return attached


@asyncio_only()
class Attached(Emitter):
    """Made by `attach`. Handlers subscribed here get the events of every turn of the page.

    `events` holds those of all turns so far. Use it as `async with`, or end it with `close`.
    """

    def __init__(self, settings: Settings, traffic: Traffic, page: AttachedPage) -> None:
        """`traffic` gets the page's exchanges. Only `attach` calls this; it then opens the page."""
        super().__init__()
        self.settings = settings
        self.events: EventLog[events.AnyTurnEvent] = EventLog()
        self._page = page
        drifts = Drifts(self.emit)
        app = _WatchedApp(settings, page, self.emit)
        self._tracker = TurnTracker(app, self._publish, drifts.see_turn, drifts.see_conversation)
        self._traffic = traffic
        self._traffic.show(self)
        self._traffic.read(self._tracker.follow)
        self._turns: list[Turn] = []  # not waited for, in order
        self._begun = asyncio.Event()
        self._closed = False

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<Attached to a page of {self.settings.base_url}: {state}, {len(self._turns)} to wait for>"

    async def wait_for_answer(self, timeout: float | None = None) -> Answer:
        """Wait for the next answer, in the order of the messages. Every handler has handled its `finished`
        by then. Raises the turn's error if it failed.

        Raises TimeoutError if the answer is not there after `timeout` seconds; you can wait for it again.
        Without a timeout the deadlines apply: `first_update` for a message, then those of its turn.
        """
        if self._closed and not self._turns:
            raise UsageError("The agent no longer watches this page, and has given you all of its answers.")
        begun = time.monotonic()
        first = self.settings.deadlines.first_update if timeout is None else timeout
        while not self._turns:
            if not await _happens_in_time(self._begun, first - (time.monotonic() - begun)):
                raise TimeoutError(await self._explain_silence(first))
        turn = self._turns.pop(0)  # now, so that another waiter gets the next one
        if not self._turns:
            self._begun.clear()
        left = None if timeout is None else timeout - (time.monotonic() - begun)
        try:
            if not await _happens_in_time(turn.done, left):
                raise TimeoutError(
                    f"The answer was not complete within {timeout:g} s; "
                    f"it has {len(turn.fold.text)} characters."
                )
        except BaseException:
            insort(self._turns, turn, key=_number)
            self._begun.set()
            raise
        await self._drain_handlers()
        if turn.answer is None:
            raise turn.error or UsageError("The turn was abandoned before it ended.")
        return turn.answer

    async def screenshot(self, path: str | Path) -> Path:
        """Write a picture (PNG) of the page, with form fields masked. Returns the path.

        Raises BrowserError, or StorageError if it cannot be written.
        """
        place = require_path("path", path)
        picture = await self._page.take_snapshot()
        await asyncio.to_thread(write_private, place, picture.png)
        return place

    async def close(self) -> None:
        """Stop watching the page, which stays as it is. Turns that are running fail. Twice is fine."""
        if self._closed:
            return
        self._closed = True
        await self._traffic.wait_until_settled()
        await self._page.close()
        await self._traffic.close()
        await self._tracker.close()
        await self._drain_handlers()

    async def __aenter__(self) -> Attached:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _publish(self, turn: Turn, event: events.TurnEvent) -> None:
        self.events.append(event)  # type: ignore[arg-type]  # the union lists all
        if isinstance(event, events.Started):
            self._turns.append(turn)
            self._begun.set()
        self.emit(event)

    async def _explain_silence(self, seconds: float) -> str:
        """Why there may be no turn. Most often the page is on another app than the agent watches."""
        try:
            where = redact.address(await self._page.read_address())
        except AgentError as error:
            return f"No message was sent within {seconds:g} s: {error}"
        return (
            f"The page sent no message within {seconds:g} s. It is at {where}. The agent watches for "
            f"messages to {self.settings.base_url} (base_url=)."
        )


def _number(turn: Turn) -> int:
    return turn.number


async def _happens_in_time(happened: asyncio.Event, seconds: float | None) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await happened.wait()
    except TimeoutError:
        return False
    return True


class _WatchedApp:
    """An `App` on a page that is not the agent's. The agent reads it and never drives it."""

    def __init__(
        self, settings: Settings, page: AttachedPage, note: Callable[[events.Retrying], object]
    ) -> None:
        self._settings = settings
        self.base_path, self.recovers = settings.base_path, settings.recover
        self.deadlines = settings.deadlines
        self._page = page
        self._calls = PageCalls(page, settings.base_url)
        self._alternatives = Alternatives()
        self.note = note

    def shows(self, page_id: str) -> bool:
        return not self._page.closed

    async def ask(self, request: Call, *, conversation_id: str = "") -> bytes:
        if isinstance(routes.classify(request.method, request.path, ""), purposes.StopGenerating):
            raise UsageError("The page is not the agent's, so it does not stop the run.")
        answer, _ = await self._alternatives.call(self._calls, request, timeout=self._settings.step_timeout)
        return require_success(answer, request, conversation_id=conversation_id)

    async def open_stream(self, request: Call, key: str) -> None:
        if not self.shows(""):
            raise UsageError("The page is gone, and the agent opens no other one in its place.")
        await self._calls.start(request, key, timeout=self._settings.step_timeout)

    async def abort_stream(self, key: str) -> None:
        await self._calls.abort(key, timeout=self._settings.step_timeout)

    async def drop_stream(self, page_id: str, conversation_id: str, key: str | None) -> None:
        """Does nothing: the stream belongs to the page."""

    def note_means(self, means: Means) -> None:
        self._alternatives.use(means)

    def explain(self, error: AgentError) -> None:
        self._page.dropped_cookies.explain(error)

    async def save_report(self, error: AgentError, page_id: str = "") -> None:
        if isinstance(error, TurnTimeout):
            await error_report.leave_report(error, self._page, self._settings.reports_folder)
