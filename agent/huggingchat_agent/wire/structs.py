"""Converts the app's JSON objects to structs. Tolerates differences between its versions."""

from __future__ import annotations

import functools
from typing import Any, TypeVar

import msgspec

from huggingchat_agent.errors import PageChanged

S = TypeVar("S", bound=msgspec.Struct)


def convert(kind: type[S], raw: Any) -> S:
    """A struct of that kind from an object. Keys that are null count as left out.

    Keys the struct has no field for go to its `extra`, if it has one. Raises PageChanged naming the
    key that is missing or not of its type.
    """
    if not isinstance(raw, dict):
        raise PageChanged(f"The app gave no object for a {kind.__name__}.")
    names = _list_names(kind)
    fields = {key: value for key, value in raw.items() if key in names and value is not None}
    if "extra" in names:
        fields["extra"] = {key: value for key, value in raw.items() if key not in names}
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise PageChanged(f"The app's {kind.__name__} has an unknown shape: {error}.") from None


@functools.cache
def _list_names(kind: type[msgspec.Struct]) -> frozenset[str]:
    # msgspec reads the annotations again at each call.
    return frozenset(field.encode_name for field in msgspec.structs.fields(kind))


def require_list(raw: Any, what: str) -> list[Any]:
    """A list, or PageChanged saying what should have been one."""
    if not isinstance(raw, list):
        raise PageChanged(f"The app gave no list of {what}.")
    return raw
