"""Records a session: exchanges, events, console messages and pictures go on a tape as they come.

Recording must never slow or break a turn. The tape's own thread makes and writes the records; the session
only adds each event to a queue. Pictures wait until no answer comes in, because the browser hands nothing
over while it takes one; a failed one is left out.
"""

from __future__ import annotations

import asyncio
import datetime
import time
from base64 import b64encode
from collections import deque
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import huggingchat_agent
from huggingchat_agent import events, redact
from huggingchat_agent.emitter import NAMES
from huggingchat_agent.errors import AgentError
from huggingchat_agent.log_records import log
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.checks import is_deep, prune
from huggingchat_agent.tape.completion import Completion
from huggingchat_agent.tape.mask import Mask
from huggingchat_agent.tape.redaction import Redaction
from huggingchat_agent.tape.writer import TapeWriter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from huggingchat_agent.emitter import Emitter
    from huggingchat_agent.events import Event
    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.settings import Settings
    from huggingchat_agent.tape.record_maker import Note
    from huggingchat_agent.wire.requests import Call


PICTURE_PATIENCE = 5.0  # seconds for the last pictures when the session ends
QUIET = 0.3  # seconds without a turn before a picture is taken: one message often follows another at once

_WORDS = (events.Token.name, events.Reasoning.name)


class Message(Protocol):
    """A page's message: see `tape.format.ConsoleMessage`."""

    @property
    def kind(self) -> str: ...
    @property
    def level(self) -> str: ...
    @property
    def text(self) -> str: ...


class Tab(Protocol):
    """A tab as the recorder uses it; `browser.protocols.Page` describes it."""

    @property
    def id(self) -> str: ...
    async def observe(self, hear: Callable[[Message], None], *, everything: bool = False) -> None: ...
    async def take_picture(self, secrets: Callable[[str], list[str]]) -> bytes: ...
    async def evaluate(self, function: str, *args: Any, timeout: float) -> Any: ...


class Recorder:
    """Writes the tape that the settings name. Raises SettingsError for a pattern that cannot be read."""

    def __init__(self, settings: Settings) -> None:
        assert settings.record is not None
        self._record = settings.record
        self._settings = settings
        # `listen` sets this and `_page_of`: the chat, which knows its tabs, is made after its recorder.
        self._tab: Callable[[str], Tab | None] = lambda page_id: None
        self._mask = Mask(self._record.hide)
        if self._record.hide_username and settings.username:
            self._mask.add_name(settings.username)
        self._writer: TapeWriter | None = None
        self._notes: deque[Note] = deque()
        self._begun = 0.0
        self._page_of: Callable[[int], str] = lambda turn: ""
        self._pages_of_turns: dict[int, str] = {}  # of the turns under way
        self._unpictured: dict[str, int] = {}  # tabs with the turn that ended there last
        self._camera: asyncio.Task[None] | None = None
        self._completion = Completion() if self._record.full else None

    def listen(
        self, emitter: Emitter, page_of: Callable[[int], str], tab: Callable[[str], Tab | None]
    ) -> None:
        """Record every event of the emitter.

        `page_of` gives the id of a turn's tab by the turn's number, `tab` an open tab by its id.
        """
        self._page_of, self._tab = page_of, tab
        # No function of Python: each token comes here. `see` woke the tape's thread for its chunk.
        emitter._watch(_WORDS, self._notes.append)
        emitter._watch([name for name in NAMES if name not in (events.Seen.name, *_WORDS)], self._see_event)

    def begin(self) -> None:
        """Open the tape. The file is made with the first record. Raises TapeError if it cannot be made."""
        header = tapes.Header(
            tape=tapes.VERSION,
            agent=huggingchat_agent.__version__,
            base_url=self._settings.base_url,
            begun=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            engine=self._settings.engine,
            full=self._record.full,
        )
        redaction = Redaction(self._mask, learn=redact.remember, hide_username=self._record.hide_username)
        self._begun = time.monotonic()
        self._notes.clear()
        self._writer = TapeWriter(
            Path(self._record.path), header, redaction, notes=self._notes, begun=self._begun
        )

    def see_browser(self, version: str) -> None:
        """Record that a browser was started."""
        self._add(tapes.Browser, version=version)

    def see_sign_in(self) -> None:
        """Record that a page of the sign-in was here, and nothing else of it."""
        self._add(tapes.Hidden)

    async def watch_tab(self, page: Tab) -> None:
        """Record the console messages, errors and dialogs of a new tab, too."""

        def hear(message: Message) -> None:
            about = {"kind": message.kind, "level": message.level, "text": message.text}
            self._add(tapes.ConsoleMessage, page=page.id, **about)

        try:
            await page.observe(hear, everything=self._record.full)
        except AgentError as error:
            log.warning("The console messages of a tab are not on the tape: %s", error)

    async def complete(
        self, tab: Callable[[], Awaitable[Tab]], call: Callable[[Call], Awaitable[object]]
    ) -> None:
        """Before the browser ends: record what the tape still lacks.

        `tab` returns a tab on a page of the app, and opens one if a person closed the last. `call` makes a
        request in it. Pictures under way get `PICTURE_PATIENCE` seconds; late ones are left out.
        """
        if self._completion is not None:
            await self._completion.wait_until_quiet()
            await self._completion.complete(tab, call)
        self._stop_camera()
        self._camera = asyncio.create_task(self._take_pictures(0.0), name="last pictures for the tape")
        await asyncio.wait({self._camera}, timeout=PICTURE_PATIENCE)
        self._stop_camera()

    async def close(self) -> None:
        """Write the end mark. Closing twice is fine."""
        if self._writer is not None:
            await asyncio.to_thread(self._writer.close, partial(tapes.Last, at=self._now()))

    def see(self, event: ExchangeEvent) -> None:
        """Record an event of an exchange."""
        if self._completion is not None:
            self._completion.see(event)
        self._put(event)

    def _see_event(self, event: Event) -> None:
        raw = events.plain(event)
        if is_deep(raw):
            raw = prune(raw)
        if isinstance(event, events.TurnEvent):
            raw["at"] = at = round(event.at - self._begun, 6)
            if self._writer is not None and isinstance(event, events.Started):
                self._writer.expect_token()
            if self._record.pictures:
                self._plan_picture(event)
        else:
            at = self._now()
        if (answer := raw.get("answer")) and isinstance(answer, dict):
            answer["timing"] = {
                name: round(value - self._begun, 6) if isinstance(value, float) else value
                for name, value in answer["timing"].items()
            }
        self._add(tapes.Event, at=at, event=raw)

    def _now(self) -> float:
        return round(time.monotonic() - self._begun, 6)

    def _add(self, record: Callable[..., tapes.AnyRecord], **fields: Any) -> None:
        """Record something that happens now, or at `at`."""
        self._put(partial(record, **{"at": self._now(), **fields}))

    def _put(self, note: Note) -> None:
        if self._writer is not None:
            self._writer.put(note)

    # Pictures.

    def _plan_picture(self, event: events.TurnEvent) -> None:
        if isinstance(event, events.Started):
            self._stop_camera()
            self._pages_of_turns[event.turn] = page_id = self._page_of(event.turn)
            self._unpictured.pop(page_id, None)
        elif isinstance(event, events.Finished | events.Failed):
            if page_id := self._pages_of_turns.pop(event.turn, ""):
                self._unpictured[page_id] = event.turn
            if not self._pages_of_turns and self._unpictured:
                self._stop_camera()
                self._camera = asyncio.create_task(self._take_pictures(QUIET), name="pictures for the tape")

    def _stop_camera(self) -> None:
        if self._camera is not None:
            self._camera.cancel()
            self._camera = None

    async def _take_pictures(self, delay: float) -> None:
        await asyncio.sleep(delay)
        while self._unpictured:
            page_id, turn = next(iter(self._unpictured.items()))
            if (page := self._tab(page_id)) is not None:
                await self._take_picture(page, turn)
            if self._unpictured.get(page_id) == turn:
                del self._unpictured[page_id]

    async def _take_picture(self, page: Tab, turn: int) -> None:
        now = self._now()
        try:
            picture = await page.take_picture(self._find_secrets)
        except AgentError as error:
            log.info("No picture of turn %d: %s", turn, error)
            return
        about = {"turn": turn, "moment": "end", "mime": "image/webp", "base64": b64encode(picture).decode()}
        self._add(tapes.Picture, at=now, page=page.id, **about)

    def _find_secrets(self, text: str) -> list[str]:
        return sorted({text[start:end] for start, end in self._mask.find_spans(text)})
