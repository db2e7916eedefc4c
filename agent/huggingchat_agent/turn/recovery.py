"""Resumes an answer whose stream broke while its run goes on.

It uses the app's own stream for that, which begins at any line of a run. Where the app has none, or a proxy
holds it back, it reads the conversation until the run is over. Every update goes through `CatchUp`, so that a
turn gets each character once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from typing import TYPE_CHECKING, Any

from huggingchat_agent import events
from huggingchat_agent.errors import AgentError, BrowserError, ChatError, SiteError, TapeMismatch, UsageError
from huggingchat_agent.exchange import Chunk, Ended, Failed, Responded
from huggingchat_agent.log_records import log
from huggingchat_agent.retrying import Failure, attempts
from huggingchat_agent.wire import lenient_json, purposes, requests, routes, updates
from huggingchat_agent.wire.catch_up import CatchUp, read_updates
from huggingchat_agent.wire.lines import LineTooLong
from huggingchat_agent.wire.means import Means
from huggingchat_agent.wire.retry_rules import TAKING_UP
from huggingchat_agent.wire.sse import SseDecoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.exchange import ExchangeEvent, Started
    from huggingchat_agent.turn.app_protocol import App
    from huggingchat_agent.turn.turn import Turn


# A page that stops a run drops its stream first, and asks for the stop at the same moment.
HEAD_START = 0.1  # seconds

# How long a run may write nothing. The app notices after 90 to 150 s that the process of a run is dead.
PATIENCE = 180.0  # seconds
# Apps without generation ids store a run at its end, if it does not end with its stream.
OLD_PATIENCE = 60.0  # seconds
# Before June 2025 a run ends with its stream, and is stored then.
ENDED_PATIENCE = 3.0  # seconds

# The reattached stream has a sign of life four times a second. Longer silence is a proxy's.
QUIET = 10.0  # seconds

# If a browser does not start now, it will not start next time either.
BROWSER_ATTEMPTS = 3
# A message is stored before its stream begins, so there is not much to wait for.
MISSING_READS = 3


class Recovery:
    """Resumes a turn whose stream broke at `at` for this `reason`. `others` are its updates so far that are
    neither tokens nor keep-alives. The turn adds new ones.
    """

    def __init__(self, turn: Turn, app: App, others: list[updates.Update], reason: str, at: float) -> None:
        self._turn, self._app, self._others = turn, app, others
        self._fold, self._stored = turn.fold, turn.stored
        self._reattaches = bool(turn.generation_id)
        self._catch_up = CatchUp(self._fold.content, others)
        self._last_id = "0"  # of the reattached streams so far
        self._attached: _Attached | None = None
        self._broken = at  # when the answer stopped coming
        self._progress = time.monotonic()  # when something new came, or the stream broke
        self._failures = 0  # attempts since then
        self._missing = 0  # reads without the message
        self.found = False  # whether the app has the message
        self._reading = False
        self._patience = PATIENCE if turn.generation_id else OLD_PATIENCE
        self._news = asyncio.Event()
        self._publish(events.Recovering, at, reason=reason)

    def follow(self, started: Started) -> Callable[[ExchangeEvent], None]:
        """Take the events of a reattached stream, and those of no other one from now on."""
        self._attached = attached = _Attached(self._last_id)

        def feed(event: ExchangeEvent) -> None:
            if self._attached is not attached:
                return
            self._news.set()
            for update_id, update in attached.feed(event):
                self._last_id = update_id
                if not attached.announced:
                    attached.announced = True
                    self._announce("reattach", event.at)
                if (new := self._catch_up.feed(update)) is not None:
                    self._take([new], event.at)

        return feed

    async def run(self) -> str:
        """Return "" when the answer is complete, else why the rest of it cannot be read.

        Also "" if no request can be made here: the page is gone for good, or a tape plays.
        """
        try:
            return await self._take_up()
        except Exception as error:
            log.exception("An answer could not be resumed.")
            return f"taking it up failed ({type(error).__name__})"

    async def _take_up(self) -> str:
        await asyncio.sleep(HEAD_START)
        taking_up = attempts(
            TAKING_UP,
            self._note_failure,
            passes=lambda error: isinstance(error, AgentError),
            again=lambda lost: lost is None,
            failures=lambda: self._failures,
            over=lambda: time.monotonic() - self._progress > self._patience,
            otherwise=lambda _: f"the app has written nothing more for {self._patience:g} s",
        )
        lost: str = await taking_up(self._try)
        return lost

    async def _try(self) -> str | None:
        """As `run`, None while the answer goes on. Raises an error after which another attempt may help."""
        if self._fold.terminal is not None:
            return ""
        try:
            lost = await (self._reattach() if self._reattaches else self._read())
        except (TapeMismatch, UsageError):
            return ""
        except AgentError as error:
            log.info("An answer could not be resumed: %s", error)
            lost = self._explain(error)
            if not lost and self._fold.terminal is None:
                raise
        return lost if lost or self._fold.terminal is not None else None

    def _note_failure(self, failure: Failure) -> None:
        purpose = purposes.Reattach if self._reattaches else purposes.ReadConversation
        route = routes.list_alternatives(purpose)[0]
        self._app.note(failure.describe(f"{route.method} {route.path}", self._turn.conversation_id))

    def _take(self, found: list[updates.Update], at: float) -> None:
        self._progress, self._failures = time.monotonic(), 0
        self._turn.take(found, at)

    def _announce(self, means: str, at: float) -> None:
        self.found = True
        self._app.note_means(Means.REST_BY_STREAM if means == "reattach" else Means.REST_BY_READS)
        self._publish(events.Recovered, at, means=means, seconds=max(at - self._broken, 0.0))

    def _publish(self, kind: type[events.TurnEvent], at: float, **fields: Any) -> None:
        self._turn.publish(self._fold.stamp(kind, at, length=len(self._fold.text), **fields))

    def _explain(self, error: AgentError) -> str:
        """Why another attempt cannot help; "" if it can."""
        self._failures += 1
        if isinstance(error, SiteError):
            return ""
        if isinstance(error, BrowserError) and self._failures < BROWSER_ATTEMPTS:
            return ""
        if isinstance(error, ChatError) and error.status is not None and error.status not in (403, 404):
            return ""
        return f"the rest cannot be read: {error.message.rstrip('.')}"

    async def _reattach(self) -> str:
        """Read the run's own stream to its end, or until it breaks."""
        turn, key = self._turn, str(uuid.uuid4())
        run = purposes.Reattach(turn.conversation_id, turn.generation_id or "", int(self._last_id))
        self._attached = None
        await self._app.open_stream(requests.build(run), key)
        try:
            attached = await self._wait_for_end()
        finally:
            if not self._is_over():
                with contextlib.suppress(AgentError):
                    await self._app.abort_stream(key)
        if self._fold.terminal is not None:
            return ""
        if attached is None or attached.refused or attached.status in ("gone", "completed"):
            self._reattaches = False  # read instead
        elif attached.status:
            return f"the app has lost the run ({attached.status})"
        elif not attached.announced:
            self._failures += 1
        if attached is not None and attached.announced:
            self._broken = time.monotonic()
        return ""

    async def _wait_for_end(self) -> _Attached | None:
        """The reattached stream when it is over; None if it does not begin, or is silent for too long."""
        while not self._is_over():
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), QUIET)
            except TimeoutError:
                return None
        return self._attached

    def _is_over(self) -> bool:
        return self._attached is not None and self._attached.over

    async def _read(self) -> str:
        """Take what the app has stored so far."""
        read = await self._stored.read_once()
        message = self._stored.find_message(read)
        if message is None or message.author != "assistant":
            self._missing += 1
            return "the app does not have this message" if self._missing >= MISSING_READS else ""
        self.found = True
        if not message.generation_id:
            self._patience = ENDED_PATIENCE if read.page_data else OLD_PATIENCE
        catch_up = CatchUp(self._fold.content, self._others)
        found = read_updates(message, resumed=self._stored.resumed)
        new = [each for each in map(catch_up.feed, found) if each is not None]
        if new:
            at = time.monotonic()
            if not self._reading:
                self._reading = True
                self._announce("read", at)
            self._take(new, at)
        if self._fold.terminal is None and message.interrupted:
            return "the app has lost the run (interrupted)"
        return ""


class _Attached:
    """One reattached stream. No I/O.

    `status` is what the app says of the run at the end, "" if the stream broke off or was closed early.
    `refused` is true where the answer is no such stream.
    """

    def __init__(self, last_id: str) -> None:
        self.over = self.refused = self.announced = False
        self.status = ""
        self._last_id = last_id
        self._events = SseDecoder()

    def feed(self, event: ExchangeEvent) -> list[tuple[str, updates.Update]]:
        """The updates that the event completes, each with its number."""
        if isinstance(event, Responded):
            # While the app restarts, a gateway may answer in its place.
            is_stream = event.status == 200 and event.mime == "text/event-stream"
            self.refused = not is_stream and event.status < 500 and event.status != 429
            self.over = self.over or not is_stream
        elif isinstance(event, Ended | Failed):
            self.over = True
        elif isinstance(event, Chunk) and not self.over:
            return self._decode(event.data)
        return []

    def _decode(self, data: bytes) -> list[tuple[str, updates.Update]]:
        try:
            found = self._events.feed(data)
        except LineTooLong:
            self.over = self.refused = True
            return []
        new: list[tuple[str, updates.Update]] = []
        for each in found:
            if each.name == "update":
                self._last_id = each.id if each.id.isascii() and each.id.isdigit() else self._last_id
                new.append((self._last_id, updates.decode(each.data)))
            elif each.name == "end":
                self.over, self.status = True, _parse_status(each.data)
        return new


def _parse_status(data: bytes) -> str:
    said = lenient_json.load_if_json(data)
    return str(said.get("status") or "gone") if isinstance(said, dict) else "gone"
