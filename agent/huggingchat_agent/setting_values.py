"""Settings of several values each: the deadlines of a turn, and how to record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from huggingchat_agent import parsing
from huggingchat_agent.errors import SettingsError


class Deadlines(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds that a turn may take. Keep-alives do not count as updates.

    The idle clock pauses while a tool runs. While a tool's question waits for its answer, which the app
    may allow an hour, the total clock pauses as well.
    """

    first_update: float = 60.0
    """Until the first update."""
    idle: float = 120.0
    """Between two updates."""
    total: float = 900.0
    """For the whole turn."""


NO_DEADLINES = Deadlines(first_update=1e8, idle=1e8, total=1e8)


class Record(msgspec.Struct, frozen=True):
    """How to record a session (see docs/tape.md)."""

    path: str | Path
    """The tape to write."""
    full: bool = False
    """Record the app's pages and scripts too, so that the tape can answer a real browser."""
    hide: tuple[str, ...] = ()
    """Regular expressions. The tape leaves out their matches."""
    hide_username: bool = False
    """Leave out the user name."""
    pictures: bool = True
    """Take screenshots."""


def parse_deadlines(name: str, value: Any) -> Deadlines:
    if not isinstance(value, Deadlines):
        raise SettingsError(f"{name} must be a Deadlines, such as Deadlines(total=60), not {value!r}.")
    for field in value.__struct_fields__:
        parsing.parse_seconds(f"{name}.{field}", getattr(value, field))
    return value


def parse_record(name: str, value: Any) -> Record:
    record = value if isinstance(value, Record) else Record(parsing.parse_path(name, value))
    hide = parsing.parse_texts(f"{name}.hide", record.hide)
    return msgspec.structs.replace(record, path=parsing.parse_path(name, record.path), hide=hide)
