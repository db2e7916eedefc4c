"""SvelteKit's `__data.json`, where the app of 2025-04 keeps the data of its pages.

A body is one line with a node per layout and page, then lines with values that were not ready before
("chunks"). A node's value is a flat array: a number within an object or array refers to an element of the
flat array, negative ones are constants, and an array that begins with a string is a value of that type.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.errors import PageChanged
from huggingchat_agent.wire import lenient_json
from huggingchat_agent.wire.dates import parse_date

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNDEFINED, _HOLE = -1, -2
_CONSTANTS: dict[int, Any] = {
    _UNDEFINED: None,
    _HOLE: None,
    -3: float("nan"),
    -4: float("inf"),
    -5: float("-inf"),
    -6: -0.0,
}


class NodeError(msgspec.Struct, frozen=True):
    """Stands for a node, or a promise in it, that failed to load on the server."""

    message: str
    status: int | None = None


class PageData(msgspec.Struct, frozen=True):
    """The nodes of a page: root layout first, the page last.

    A node is its value, None if it was not asked for, or a NodeError. `redirect` is where the server
    sends the page instead, and there are no nodes then.
    """

    nodes: list[Any]
    redirect: str | None = None


def load(body: bytes) -> PageData:
    """Decode a body, a promise as the value of its chunk (None if that is missing).

    Raises PageChanged for any other body, or an unknown shape.
    """
    try:
        first, *more = [lenient_json.load(line) for line in body.split(b"\n") if line.strip()]
        if first["type"] == "redirect":
            return PageData([], first["location"])
        chunks = {chunk["id"]: chunk for chunk in more if chunk["type"] == "chunk"}
        return PageData([_parse_node(node, chunks) for node in first["nodes"]])
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        raise PageChanged("The app's page data has an unknown shape (__data.json).") from None


def hydrate(flat: Any, chunks: dict[int, Any] | None = None) -> Any:
    """The value of a flat array. Undefined keys are left out; the same index is the same object.

    Raises ValueError, TypeError, KeyError or IndexError for any other value.
    """
    if isinstance(flat, int):
        return _CONSTANTS[flat]
    return _Hydration(flat, chunks or {}).resolve(0)


def _parse_node(node: Any, chunks: dict[int, Any]) -> Any:
    match node:
        case None | {"type": "skip"}:
            return None
        case {"type": "error"}:
            return _parse_error(node["error"], node.get("status"))
        case _:
            return hydrate(node["data"], chunks)


def _parse_error(error: Any, status: int | None = None) -> NodeError:
    message = error.get("message", "") if isinstance(error, dict) else error
    return NodeError(str(message), status)


class _Hydration:
    def __init__(self, flat: list[Any], chunks: dict[int, Any]) -> None:
        self._flat, self._chunks = flat, chunks
        self._made: dict[int, Any] = {}

    def resolve(self, index: int) -> Any:
        if index < 0:
            return _CONSTANTS[index]
        if index not in self._made:
            self._make(index)
        return self._made[index]

    def _make(self, index: int) -> None:
        raw = self._flat[index]
        # Store a container before it is filled: it may hold itself.
        if isinstance(raw, dict):
            self._fill(index, raw.items())
        elif isinstance(raw, list) and raw and isinstance(raw[0], str):
            self._make_special(index, *raw)
        elif isinstance(raw, list):
            items: list[Any] = []
            self._made[index] = items
            items.extend(map(self.resolve, raw))
        else:
            self._made[index] = raw

    def _make_special(self, index: int, kind: str, *raw: Any) -> None:
        if kind == "null":
            self._fill(index, zip(raw[::2], raw[1::2], strict=True))
        else:
            self._made[index] = self._convert(kind, raw)

    def _fill(self, index: int, items: Iterable[tuple[str, int]]) -> None:
        made: dict[str, Any] = {}
        self._made[index] = made
        for key, reference in items:
            if reference != _UNDEFINED:
                made[key] = self.resolve(reference)

    def _convert(self, kind: str, raw: tuple[Any, ...]) -> Any:
        match kind:
            case "Date":
                return parse_date(raw[0]) if raw[0] else None
            case "BigInt":
                return int(raw[0])
            case "Set":
                return _build(set, [self.resolve(each) for each in raw])
            case "Map":
                pairs = zip(raw[::2], raw[1::2], strict=True)
                return _build(dict, [(self.resolve(key), self.resolve(each)) for key, each in pairs])
            case "Object" | "RegExp":
                return raw[0]
            case "Promise":
                return self._resolve_promise(self.resolve(raw[0]))
            case _ if isinstance(raw[0], str):
                return base64.b64decode(raw[0])  # typed arrays and buffers
            case _:
                return self.resolve(raw[0])  # one of the app's own types: the value that it was made from

    def _resolve_promise(self, chunk_id: int) -> Any:
        chunk = self._chunks.get(chunk_id)
        if chunk is None:
            return None
        return _parse_error(chunk["error"]) if "error" in chunk else hydrate(chunk["data"], self._chunks)


def _build(kind: type, items: list[Any]) -> Any:
    try:
        return kind(items)
    except TypeError:
        return items
