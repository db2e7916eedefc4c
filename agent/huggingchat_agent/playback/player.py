"""Plays a tape without a browser: its exchanges reach the same handlers as live ones."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from huggingchat_agent import events, parsing
from huggingchat_agent.emitter import Emitter
from huggingchat_agent.errors import AgentError, TapeCorrupt, TapeMismatch, UsageError
from huggingchat_agent.exchange import Failed
from huggingchat_agent.mistakes import asyncio_only
from huggingchat_agent.playback.faults import with_faults
from huggingchat_agent.playback.pauses import shorten_pauses
from huggingchat_agent.setting_values import NO_DEADLINES
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.tape.summary import TAB_GONE, extract_path, read_vias, recovers
from huggingchat_agent.traffic.traffic import Traffic
from huggingchat_agent.turn.tracker import Claim, TurnTracker
from huggingchat_agent.wire import multipart, purposes, requests, routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from huggingchat_agent.choices import SentVia
    from huggingchat_agent.playback.faults import Fault
    from huggingchat_agent.tape.format import AnyRecord
    from huggingchat_agent.turn.turn import Turn
    from huggingchat_agent.wire.means import Means


_PATIENCE = 8.0  # seconds until a turn reaches its recorded end; half of it after each that does not

_EVENTS = {each.name: each for each in events.every()}


@asyncio_only()
class Replay(Emitter):
    """Plays a tape once, by `async for event in replay` or by `await replay.run()`.

    Handlers subscribe as on a HuggingChat. They get the recorded events in the recorded order, with the
    same ids, texts and numbers, `exchange` included; iterating gives all but `exchange`. `complete` says
    whether the recording was closed properly.

    Speed 1 takes as long as the recording, speed 2 half of that, speed 0 no time. A pause of more than a
    minute on the tape counts as a minute, and a warning in the log says so. Recorded failures come again as
    `failed` events. Playing raises only errors of the tape itself: TapeVersion, or TapeCorrupt after
    everything readable.
    """

    def __init__(self, path: str | Path, *, speed: float = 1.0, faults: Sequence[Fault] = ()) -> None:
        super().__init__()
        self.speed = check_speed(speed)
        self.complete = False
        self._over: bool | None = None  # None before the beginning
        self._tape = Tape(parsing.parse_path("path", path))
        self._faults = tuple(faults)
        self._queue: asyncio.Queue[events.AnyEvent | None] = asyncio.Queue()
        self._at = 0.0  # the time of the current record, on our clock
        self._turns: dict[int, Turn] = {}
        self._muted: set[int] = set()
        self._patience = _PATIENCE

    def __repr__(self) -> str:
        state = {None: "not played yet", False: "playing", True: "played"}[self._over]
        return f"<Replay of {str(self._tape.path)!r}: {state}>"

    @property
    def header(self) -> tapes.Header:
        """The header of the tape."""
        return self._tape.header

    async def __aiter__(self) -> AsyncIterator[events.AnyEvent]:
        task = asyncio.create_task(self.run(), name="replay")
        task.add_done_callback(lambda _: self._queue.put_nowait(None))
        try:
            while (event := await self._queue.get()) is not None:
                yield event
            await task
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def run(self) -> None:
        """Play the tape to its end, and wait for the handlers."""
        self._over = False
        recording = self._tape.load(pictures=False)
        self.complete = recording.complete
        records = shorten_pauses(recording.records) if self.speed else recording.records
        records = with_faults(records, self._faults)
        app = _RecordedApp(recording.header, records)
        tracker, traffic = TurnTracker(app, self._publish), Traffic(app.base_path)
        traffic.show(self)
        traffic.read(tracker.follow)
        began = time.monotonic()
        if not self.speed and records:
            began -= records[-1].at  # all times are in the past, so that nothing waits for a clock
        try:
            await self._play(records, began, app, tracker, traffic)
        finally:
            await traffic.close()
            all_ended = await tracker.close(within=self._patience)
            await self._drain_handlers()
            self._over = True
        if recording.trouble is not None:
            raise recording.trouble
        if not all_ended:
            raise TapeCorrupt(f"{self._tape.path} lacks the end of some of its turns.")

    async def _play(
        self,
        records: list[AnyRecord],
        began: float,
        app: _RecordedApp,
        tracker: TurnTracker,
        traffic: Traffic,
    ) -> None:
        vias = read_vias(records)
        for record in records:
            self._at = began + record.at / (self.speed or 1.0)
            if self.speed and (left := self._at - time.monotonic()) > 0:
                await asyncio.sleep(left)
            if isinstance(record, tapes.Event):
                await self._repeat(record.event, tracker, traffic)
            elif event := tapes.to_exchange(record, self._at):
                if isinstance(record, tapes.Request):
                    _claim(record, vias, app, tracker)
                app.play(record)
                traffic.put(event)
        for exchange_id, page in app.open.items():
            app.closed.add(page)
            traffic.put(Failed(exchange_id=exchange_id, page=page, at=self._at, reason="the tape ends here"))
        await traffic.wait_until_settled()

    async def _repeat(self, recorded: dict[str, Any], tracker: TurnTracker, traffic: Traffic) -> None:
        """Follow a recorded event. If a turn ended there, wait until ours has ended too."""
        name, number = recorded.get("event"), recorded.get("turn", 0)
        if name in events.AGENT_NAMES:
            await traffic.wait_until_settled()
            self._emit(_parse_event(recorded))
        elif name in ("finished", "failed") and "seq" in recorded:
            await traffic.wait_until_settled()
            turn = self._turns.get(number)
            if turn is None and name == "failed":  # nothing was sent, so there is no exchange
                tracker.take_number()
                self._emit(_parse_event({**recorded, "at": self._at}))
            elif turn is not None and turn.running and name == "failed":
                # A deadline, or the end of the browser: no exchange shows those.
                self._emit(_parse_event({**recorded, "at": self._at}))
                self._muted.add(number)
            elif turn is not None:
                turn.expect_no_read()  # the turn on the tape ended without it
                try:
                    await asyncio.wait_for(turn.done.wait(), self._patience)
                except TimeoutError:
                    self._patience /= 2

    def _publish(self, turn: Turn, event: events.TurnEvent) -> None:
        self._turns[turn.number] = turn
        if turn.number in self._muted:
            return
        if event.at > self._at:  # no exchange shows the end of a turn, which comes now
            event = msgspec.structs.replace(event, at=self._at)
        if isinstance(event, events.AnswerReady):
            timing = msgspec.structs.replace(event.answer.timing, finished=self._at)
            answer = msgspec.structs.replace(event.answer, timing=timing)
            event = msgspec.structs.replace(event, answer=answer)
        self._emit(event)

    def _emit(self, event: events.Event) -> None:
        self._queue.put_nowait(event)  # type: ignore[arg-type]  # the union lists all
        self.emit(event)


def replay(path: str | Path, *, speed: float = 1.0, faults: Sequence[Fault] = ()) -> Replay:
    """Play a tape: `async for event in replay("run.tape", speed=0)`. See Replay, and `playback.faults`.

    Raises TapeError, TapeVersion or TapeCorrupt if the tape cannot be read, and UsageError for a speed
    below 0 or a fault that finds no exchange.
    """
    return Replay(path, speed=speed, faults=faults)


def check_speed(speed: float) -> float:
    """The speed, if it is a number from 0 up. Raises UsageError."""
    if not (isinstance(speed, int | float) and speed >= 0 and math.isfinite(speed)):
        raise UsageError(f"The speed of a replay is a number from 0 up, not {speed!r}.")
    return speed


class _RecordedApp:
    """An `App` that answers from the tape."""

    def __init__(self, header: tapes.Header, records: Sequence[AnyRecord]) -> None:
        self.base_path = urlsplit(header.base_url).path
        self.deadlines = NO_DEADLINES  # a turn that exceeded one has a recorded `failed` event
        self.recovers = recovers(records)
        self.open: dict[str, str] = {}  # open exchanges, and their tabs
        self.closed: set[str] = set()  # tabs
        self._n = 0
        self._reads: dict[str, list[tuple[int, bytearray]]] = {}
        self._reattached: set[str] = set()  # generation ids
        bodies: dict[str, bytearray] = {}
        for record in records:
            if isinstance(record, tapes.Request):
                asked = routes.classify(record.method, record.url, self.base_path)
                if isinstance(asked, purposes.Reattach) and record.kind != "eventsource":
                    self._reattached.add(asked.generation_id)
            if isinstance(record, tapes.Request) and record.method == "GET":
                bodies[record.id] = bytearray()
                self._reads.setdefault(extract_path(record.url), []).append((record.n, bodies[record.id]))
            elif isinstance(record, tapes.Chunk) and record.id in bodies:
                bodies[record.id] += record.data

    def play(self, record: AnyRecord) -> None:
        """Remember how far the tape has been played."""
        self._n = record.n
        if isinstance(record, tapes.Request):
            self.open[record.id] = record.page
        elif isinstance(record, tapes.End | tapes.Fail):
            self.open.pop(record.id, None)
            if isinstance(record, tapes.Fail) and record.reason == TAB_GONE:
                self.closed.add(record.page)

    def shows(self, page_id: str) -> bool:
        return page_id not in self.closed

    async def ask(self, request: requests.Call, *, conversation_id: str = "") -> bytes:
        """The body of the last such read before this place of the tape, or else of the first after it."""
        for each in (request, *request.others) if request.method == "GET" else ():
            reads = self._reads.get(self.base_path + each.path, [])
            before = [body for n, body in reads if n <= self._n]
            after = [body for n, body in reads if n > self._n]
            for body in (*before[-1:], *after[:1]):
                if not body.lstrip().startswith(b"<"):  # with a page the app says that it has no such route
                    return bytes(body)
        raise TapeMismatch(f"There is no {request.method} {request.path} on the tape.")

    async def open_stream(self, request: requests.Call, key: str) -> None:
        """Does nothing: a recorded stream comes at its place on the tape."""
        asked = routes.classify(request.method, request.path, "")
        assert isinstance(asked, purposes.Reattach)
        if asked.generation_id not in self._reattached:
            raise TapeMismatch(f"There is no {request.method} {request.path} on the tape.")

    async def abort_stream(self, key: str) -> None:
        return

    async def drop_stream(self, page_id: str, conversation_id: str, key: str | None) -> None:
        return

    def note(self, event: events.Retrying) -> None:
        return

    def note_means(self, means: Means) -> None:
        return

    def explain(self, error: AgentError) -> None:
        return

    async def save_report(self, error: AgentError, page_id: str = "") -> None:
        return


def _claim(record: tapes.Request, vias: dict[str, SentVia], app: _RecordedApp, tracker: TurnTracker) -> None:
    """Announce a message that the agent sent, as the agent did."""
    purpose = routes.classify(record.method, record.url, app.base_path)
    if not isinstance(purpose, purposes.SendMessage):
        return
    fields = multipart.parse_send_fields(record.body, record.headers.get("content-type", "")) or {}
    generation_id = fields.get("generationId")
    if isinstance(generation_id, str) and generation_id in vias:
        Claim(
            tracker,
            page_id=record.page,
            conversation_id=purpose.conversation_id,
            via=vias[generation_id],
            listener=None,
            generation_id=generation_id,
        )


def _parse_event(recorded: dict[str, Any]) -> events.Event:
    fields = {name: value for name, value in recorded.items() if name != "event"}
    return msgspec.convert(fields, _EVENTS[recorded["event"]])
