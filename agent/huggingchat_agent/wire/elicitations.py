"""Parses a tool's question, and checks an answer before it is sent."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from huggingchat_agent.errors import UsageError
from huggingchat_agent.question import Field, Question
from huggingchat_agent.wire import updates

Value = str | float | bool | Sequence[str] | date | datetime

LONGEST = 10_000  # characters of all texts of an answer together; the app takes no more

_HUMP = re.compile(r"(?<=[a-z])([A-Z])")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class _Mistake(Exception):
    """Why a value does not fit its field."""


def parse_question(update: updates.ElicitationRequest) -> Question:
    """The question of a line of the stream. Fields that cannot be read are left out."""
    asked, expires = update.request, update.expires_at
    return Question(
        elicitation_id=asked.elicitation_id,
        server=asked.server,
        mode=asked.mode,
        message=asked.message,
        fields=[field for raw in asked.fields or [] if (field := _parse_field(raw)) is not None],
        url=asked.url or "",
        expires_at=None if expires is None else expires / 1000,
        tool_uuid=update.tool_uuid or "",
    )


def find_open_questions(stored: Sequence[Mapping[str, Any]]) -> list[Question]:
    """The open questions in the lines of a stored message."""
    found: dict[str, Question] = {}
    for line in stored:
        update = updates.parse(line)
        if isinstance(update, updates.ElicitationRequest):
            found[update.request.elicitation_id] = parse_question(update)
        elif isinstance(update, updates.ElicitationResolved):
            found.pop(update.elicitation_id, None)
    return list(found.values())


def check_answer(fields: Sequence[Field], given: Mapping[str, Any]) -> dict[str, Any]:
    """The content of an answer, as the app takes it: defaults filled in, dates as text.

    A "select" takes the value of an option or its label. Raises UsageError naming everything that
    does not fit its field.
    """
    known = {field.name for field in fields}
    mistakes = [f"there is no field {name!r}" for name in given if name not in known]
    content: dict[str, Any] = {}
    for field in fields:
        value = given.get(field.name, field.default)
        if value is None or value == "":
            if field.required:
                mistakes.append(f"{field.name!r} is required")
            continue
        try:
            content[field.name] = _READERS.get(field.kind, _accept)(field, value)
        except _Mistake as mistake:
            mistakes.append(f"{field.name!r} {mistake}")
    if sum(len(text) for value in content.values() for text in _list_texts(value)) > LONGEST:
        mistakes.append(f"all its texts together are longer than {LONGEST} characters")
    if mistakes:
        names = ", ".join(repr(field.name) for field in fields) or "none"
        raise UsageError(f"The answer does not fit: {'; '.join(mistakes)}. The fields are: {names}.")
    return content


def _parse_field(raw: Any) -> Field | None:
    if not isinstance(raw, dict):
        return None
    named = {_HUMP.sub(r"_\1", key).lower(): value for key, value in raw.items() if value is not None}
    try:
        return msgspec.convert(named, Field)
    except msgspec.ValidationError:
        return None


def _read_text(field: Field, value: Any) -> str:
    if isinstance(value, datetime) and field.format == "date-time":
        value = (value if value.tzinfo else value.astimezone()).isoformat()
    elif isinstance(value, date) and field.format == "date":
        value = value.isoformat()
    if not isinstance(value, str):
        raise _Mistake(f"must be a text, not {value!r}")
    if field.min_length is not None and len(value) < field.min_length:
        raise _Mistake(f"must have at least {field.min_length} characters, not {len(value)}")
    if field.max_length is not None and len(value) > field.max_length:
        raise _Mistake(f"must have at most {field.max_length} characters, not {len(value)}")
    if field.format and not _has_format(value, field.format):
        raise _Mistake(f"must be of the form {_FORMATS.get(field.format, field.format)}, not {value!r}")
    return value


_FORMATS = {
    "email": "name@example.org",
    "uri": "https://example.org/",
    "date": "2026-08-21",
    "date-time": "2026-08-21T12:00:00Z",
}


def _has_format(value: str, form: str) -> bool:
    try:
        if form == "email":
            return bool(_EMAIL.fullmatch(value))
        if form == "uri":
            return bool(urlsplit(value).scheme)
        if form == "date":
            return date.fromisoformat(value).isoformat() == value
        if form == "date-time":
            return bool(_MOMENT.fullmatch(value) and datetime.fromisoformat(value))
    except ValueError:
        return False
    return True


def _read_number(field: Field, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Mistake(f"must be a number, not {value!r}")
    if field.integer and value != int(value):
        raise _Mistake(f"must be a whole number, not {value!r}")
    if field.minimum is not None and value < field.minimum:
        raise _Mistake(f"must be at least {field.minimum:g}, not {value!r}")
    if field.maximum is not None and value > field.maximum:
        raise _Mistake(f"must be at most {field.maximum:g}, not {value!r}")
    return int(value) if field.integer else value


def _read_boolean(field: Field, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Mistake(f"must be True or False, not {value!r}")
    return value


def _read_selection(field: Field, value: Any) -> str | list[str]:
    if not field.multiple:
        return _find_option(field, value)
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _Mistake(f"must be a list, not {value!r}")
    chosen = [_find_option(field, each) for each in value]
    if len(set(chosen)) < len(chosen):
        raise _Mistake("has something twice")
    least = max(field.min_items or 0, int(field.required))
    if len(chosen) < least:
        raise _Mistake(f"must have at least {least} of its options, not {len(chosen)}")
    if field.max_items is not None and len(chosen) > field.max_items:
        raise _Mistake(f"must have at most {field.max_items} of its options, not {len(chosen)}")
    return chosen


def _find_option(field: Field, value: Any) -> str:
    values = [option.value for option in field.options]
    if value not in values:
        values = [option.value for option in field.options if option.label == value]
        if len(values) != 1:
            every = ", ".join(repr(option.value) for option in field.options)
            raise _Mistake(f"must be one of {every}, not {value!r}")
        return values[0]
    return str(value)


def _accept(field: Field, value: Any) -> Any:
    return value


_READERS: dict[str, Callable[[Field, Any], Any]] = {
    "string": _read_text,
    "number": _read_number,
    "boolean": _read_boolean,
    "select": _read_selection,
}


def _list_texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value if isinstance(value, list) else []
