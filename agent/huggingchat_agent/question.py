"""A tool's question to the user, and the form for the answer."""

from __future__ import annotations

from typing import Any

import msgspec


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a field of kind "select", and its text for a person."""

    value: str
    label: str = ""


class Field(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One field. `kind` is "string", "number", "boolean" or "select"; a later app may have others.

    The rest is None (or False, or empty) if the tool did not say. `format` is "email", "uri", "date" or
    "date-time". `integer` wants a whole number, `multiple` a list of values.
    """

    kind: str
    name: str
    title: str = ""
    description: str = ""
    required: bool = False
    default: Any = None
    min_length: int | None = None
    max_length: int | None = None
    format: str = ""
    integer: bool = False
    minimum: float | None = None
    maximum: float | None = None
    multiple: bool = False
    options: list[Option] = []
    min_items: int | None = None
    max_items: int | None = None

    @property
    def label(self) -> str:
        """The text for a person beside it."""
        return self.title or self.name


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A tool's question. `mode` is "form" (answered by `fields`) or "url" (by a visit to `url`).

    `expires_at` is the Unix time in seconds until which the run waits. It is None if the run parks: the
    stream ends, and the turn is resumed later. `tool_uuid` is the tool call that asks, if known.
    """

    elicitation_id: str
    server: str = ""
    mode: str = "form"
    message: str = ""
    fields: list[Field] = []
    url: str = ""
    expires_at: float | None = None
    tool_uuid: str = ""
