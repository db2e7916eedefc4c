"""Checks whether a recorder could have written a header or record. A tape may come from anywhere.

`msgspec` has already checked names and types of fields. Each function raises ValueError with the reason.
"""

from __future__ import annotations

import binascii
import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from huggingchat_agent import events
from huggingchat_agent.tape import format as tapes

if TYPE_CHECKING:
    from huggingchat_agent.tape.format import AnyRecord, Header

DEEPEST = 200  # lists and objects within one another


class _Answer(msgspec.Struct):
    """The fields of an `answer` event that readers use. Older tapes have other fields in it."""

    answer: dict[str, Any]


class _HandlerFailed(msgspec.Struct):
    handled: str
    handler: str
    error: str


class _Text(msgspec.Struct):
    text: str = ""


_FIELDS: dict[str, Any] = {each.name: each for each in events.every()} | {
    events.AnswerReady.name: _Answer,
    events.HandlerFailed.name: _HandlerFailed,
}
_OUTSIDE_TURNS = (*events.AGENT_NAMES, events.HandlerFailed.name)


def check_header(header: Header) -> None:
    """`begun` must be a date, and `base_url` an http(s) address."""
    begun = datetime.datetime.fromisoformat(header.begun)
    for seconds in (-tapes.LONGEST, tapes.LONGEST):
        try:
            begun + datetime.timedelta(seconds=seconds)
        except OverflowError:
            raise ValueError(f"it began in the year {begun.year}") from None
    address = urlsplit(header.base_url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ValueError(f"{header.base_url!r} is not the address of an app")
    address.port  # noqa: B018  # raises ValueError for an impossible port


def check_record(record: AnyRecord) -> None:
    """Addresses, base64 and events must be readable."""
    match record:
        case tapes.Request():
            urlsplit(record.url)
            _check_base64(record.base64)
        case tapes.Chunk() | tapes.Picture():
            _check_base64(record.base64)
        case tapes.Event():
            _check_event(record.event)
        case _:
            pass


def _check_base64(text: str | None) -> None:
    if text is not None:
        binascii.a2b_base64(text)  # binascii.Error is a ValueError


def _check_event(event: dict[str, Any]) -> None:
    name = event.get("event")
    if not isinstance(name, str):
        raise ValueError("an event without a name")
    if is_deep(event):
        raise ValueError(f"JSON that is nested more than {DEEPEST} deep")
    of_turn = "seq" in event
    if of_turn:
        msgspec.convert(event, _Numbers)
    if of_turn or name in _OUTSIDE_TURNS:
        kind = _FIELDS.get(name)
        if kind is not None:
            found = msgspec.convert({key: value for key, value in event.items() if key != "event"}, kind)
            if isinstance(found, _Answer):
                msgspec.convert(found.answer, _Text)


class _Numbers(msgspec.Struct):
    """The fields of every event of a turn, even of one that this version does not know."""

    conversation_id: str
    turn: int
    seq: int


def is_deep(value: Any) -> bool:
    """Whether lists and objects are nested more than DEEPEST deep."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            item
            for each in level
            if isinstance(each, dict | list)
            for item in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True


def prune(value: Any, levels: int = DEEPEST) -> Any:
    """The value without anything nested more than DEEPEST deep."""
    if isinstance(value, dict):
        return {name: prune(each, levels - 1) for name, each in value.items()} if levels else {}
    if isinstance(value, list):
        return [prune(each, levels - 1) for each in value] if levels else []
    return value
