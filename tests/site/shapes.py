"""What two answers must have in common when their values differ: keys, kinds, and the order of lines."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

LITERAL = ("type", "subtype", "status", "from", "event")
"""Keys whose values say what kind of thing an object is, and are compared as they are."""


def shape(value: Any) -> Any:
    """Keys and kinds of a JSON value. Of a list: each shape that occurs in it, once, sorted."""
    if isinstance(value, dict):
        if set(value) >= {"json"} and set(value) <= {"json", "meta"}:
            return {"json": shape(value["json"]), "meta": _meta(value.get("meta", {}))}
        return {
            key: item if key in LITERAL and isinstance(item, str) else shape(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        shapes = {json.dumps(shape(item), sort_keys=True): shape(item) for item in value}
        return [shapes[key] for key in sorted(shapes)]
    if isinstance(value, str) and value.startswith('{"json":'):
        return ["a superjson document", shape(json.loads(value))]
    return type(value).__name__ if value is not None else "null"


def _meta(meta: dict[str, Any]) -> dict[str, Any]:
    """The notes of superjson with their indices taken out of the paths."""

    def paths(notes: dict[str, Any]) -> dict[str, Any]:
        return {re.sub(r"(^|\.)\d+(?=\.|$)", r"\1*", path): note for path, note in notes.items()}

    equal = {
        re.sub(r"\.\d+\.", ".*.", path): [re.sub(r"\.\d+\.", ".*.", each) for each in same]
        for path, same in meta.get("referentialEqualities", {}).items()
    }
    values = meta.get("values", {})
    return {
        "values": paths(values) if isinstance(values, dict) else values,
        "referentialEqualities": equal,
        "v": meta.get("v"),
    }


def differences(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """Where two shapes part, as paths, each saying what is missing (-) or too much (+) in ours."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in theirs.keys() - ours.keys():
            yield f"- {path}.{key}"
        for key in ours.keys() - theirs.keys():
            yield f"+ {path}.{key}"
        for key in ours.keys() & theirs.keys():
            yield from differences(ours[key], theirs[key], f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list):
        yield from _list_differences(ours, theirs, path)
    elif ours != theirs:
        yield f"{path}: {ours} instead of {theirs}"


def _list_differences(ours: list[Any], theirs: list[Any], path: str) -> Iterator[str]:
    same = [each for each in ours if each in theirs]
    our_rest = [each for each in ours if each not in same]
    their_rest = [each for each in theirs if each not in same]
    # What is left over on both sides is compared one by one, else as a whole.
    for mine, other in zip(our_rest, their_rest, strict=False):
        yield from differences(mine, other, f"{path}[]")
    for extra in our_rest[len(their_rest) :]:
        yield f"+ {path}[] {_brief(extra)}"
    for missing in their_rest[len(our_rest) :]:
        yield f"- {path}[] {_brief(missing)}"


def _brief(value: Any) -> str:
    if isinstance(value, dict):
        parts = [str(value[key]) for key in LITERAL if key in value]
        return "/".join(parts) or "/".join(sorted(value))
    return str(value)
