"""Makes records of a session's notes, in the tape's thread.

The session only adds each event to a queue, so a token costs it next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

import msgspec

from huggingchat_agent import events, exchange
from huggingchat_agent.tape import format as tapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class LateRecord(Protocol):
    """Makes the record once it has its number."""

    def __call__(self, *, n: int) -> tapes.AnyRecord: ...


# A record has its number already.
Note: TypeAlias = exchange.ExchangeEvent | events.Token | events.Reasoning | tapes.AnyRecord | LateRecord


class TokenEvent(msgspec.Struct, frozen=True, gc=False, tag_field="event", tag="token"):
    """The fields of `events.Token`, as a tape has them."""

    conversation_id: str
    turn: int
    seq: int
    at: float
    text: str
    length: int


class Word(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="event"):
    """The record of a token: in the file it is a `tape.format.Event`."""

    n: int
    at: float
    event: TokenEvent


class Words(NamedTuple):
    """Words of one turn that follow each other, with their texts."""

    turn: int
    words: list[Word]
    texts: list[str]


class RecordMaker:
    """Makes records of notes, and numbers them from 1. `begun` is the time when the tape began."""

    def __init__(self, begun: float = 0.0) -> None:
        self._begun = begun
        self._n = 0

    def make_records(self, notes: Iterable[Note]) -> Iterator[tapes.AnyRecord | Words]:
        """The records in the order of the notes."""
        run: Words | None = None
        for note in notes:
            self._n = n = self._n + 1
            if isinstance(note, events.Token):
                if run is None or run.turn != note.turn:
                    if run is not None:
                        yield run
                    run = Words(note.turn, [], [])
                at = round(note.at - self._begun, 6)
                event = TokenEvent(note.conversation_id, note.turn, note.seq, at, note.text, note.length)
                run.words.append(Word(n, at, event))
                run.texts.append(note.text)
                continue
            if run is not None:
                yield run
                run = None
            if isinstance(note, exchange.Exchange):
                yield tapes.from_exchange(note, n, round(note.at - self._begun, 6))
            elif isinstance(note, events.Reasoning):
                at = round(note.at - self._begun, 6)
                fields = {"event": note.name, **msgspec.structs.asdict(note), "at": at}
                yield tapes.Event(n=n, at=at, event=fields)
            elif callable(note):
                yield note(n=n)
            else:
                yield note
        if run is not None:
            yield run
