"""The JSON of the app's `/api/v2/*`: a value, and notes on its types that JSON lacks.

`{"json": value, "meta": {"values": {"a.b": ["Date"]}}}`. The notes are a map from dotted path to annotation,
or one annotation for the root. An annotation is a list: the type, and perhaps a map of annotations below it.
"""

from __future__ import annotations

import re
from typing import Any

from huggingchat_agent.errors import PageChanged
from huggingchat_agent.wire import lenient_json
from huggingchat_agent.wire.dates import parse_date

_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf"), "-0": -0.0}
_UNDEFINED = object()


def load(body: bytes | str) -> Any:
    """The value of a body, which may also be plain JSON without the wrapper.

    Undefined keys are left out. A Date becomes a datetime in UTC, a Set a set and a Map a dict (lists if
    their members are not hashable), an ObjectId its hex string. Unknown and malformed annotations change
    nothing. Raises PageChanged if the body is not JSON.
    """
    try:
        raw = lenient_json.load(body)
        if not isinstance(raw, dict) or "json" not in raw or raw.keys() - {"json", "meta"}:
            return raw
        return _annotate_root(raw["json"], raw.get("meta"))
    except (ValueError, RecursionError):
        raise PageChanged("The app answered with something other than JSON.") from None


def _annotate_root(value: Any, meta: Any) -> Any:
    if not isinstance(meta, dict):
        return value
    root, notes = [value], meta.get("values")
    legacy = not meta.get("v")
    _annotate(root, 0, notes, legacy)
    _annotate_below(root[0], notes, legacy)
    return root[0]


def _annotate_below(value: Any, notes: Any, legacy: bool) -> None:
    if not isinstance(notes, dict):
        return
    for path, note in notes.items():
        *way, last = _split_path(path, legacy)
        try:
            parent = value
            for key in way:
                parent = parent[int(key) if isinstance(parent, list) else key]
            _annotate(parent, int(last) if isinstance(parent, list) else last, note, legacy)
        except (KeyError, IndexError, TypeError, ValueError):
            continue  # a note on a missing value


def _annotate(parent: Any, key: Any, note: Any, legacy: bool) -> None:
    if not isinstance(note, list) or not note:
        return
    kind, *below = note
    value = parent[key]
    for notes in below:
        _annotate_below(value, notes, legacy)
    restored = _restore(kind, value)
    if restored is not _UNDEFINED:
        parent[key] = restored
    elif isinstance(parent, dict):
        del parent[key]


def _restore(kind: Any, value: Any) -> Any:
    try:
        match kind:
            case "undefined":
                return _UNDEFINED
            case "Date":
                return parse_date(value)
            case "bigint":
                return int(value)
            case "number":
                return _NUMBERS[value]
            case "set":
                return set(value)
            case "map":
                return dict(value)
            case _:
                return value
    except (ValueError, TypeError, KeyError):
        return value


def _split_path(path: str, legacy: bool) -> list[str]:
    """The keys of a dotted path. A dot in a key is escaped by a backslash, since v1 that one too."""
    keys = [""]
    for token in re.findall(r"\\\.|." if legacy else r"\\[.\\]|.", path, re.DOTALL):
        if token == ".":
            keys.append("")
        else:
            keys[-1] += token[-1]
    return keys
