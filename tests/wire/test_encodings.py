"""devalue and superjson there and back: values of every kind, encoded by the rules of the two libraries.

The encoders here are written from those rules, as JavaScript has them, and share nothing with the decoders.
"""

from __future__ import annotations

import base64
import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from huggingchat_agent.wire import devalue, superjson


class Undefined:
    """A key that is there and has no value: decoders leave it out."""


class Big(NamedTuple):
    """A bigint."""

    value: int


class Pairs(NamedTuple):
    """A Map, whose keys are text here."""

    items: tuple[tuple[str, Any], ...]


class Members(NamedTuple):
    """A Set."""

    items: tuple[Any, ...]


UNDEFINED = Undefined()
SAFE = 2**53 - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

moments = st.integers(0, 4_000_000_000_000).map(lambda ms: EPOCH + timedelta(milliseconds=ms))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-SAFE, SAFE), st.floats(width=64), st.text(), moments
)
specials = st.one_of(
    st.integers().map(Big),
    st.lists(st.text(), unique=True).map(lambda items: Members(tuple(items))),
)
keys = st.text(max_size=8)  # dots and backslashes among them
values = st.recursive(
    st.one_of(scalars, specials),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(keys, st.one_of(inner, st.just(UNDEFINED)), max_size=4),
        st.dictionaries(keys, inner, max_size=3).map(lambda each: Pairs(tuple(each.items()))),
    ),
    max_leaves=20,
)


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def expected(value: Any) -> Any:
    """What a decoder makes of it."""
    if isinstance(value, Big):
        return value.value
    if isinstance(value, Members):
        return set(value.items)
    if isinstance(value, Pairs):
        return {key: expected(each) for key, each in value.items}
    if isinstance(value, dict):
        return {key: expected(each) for key, each in value.items() if each is not UNDEFINED}
    return [expected(each) for each in value] if isinstance(value, list) else value


def same(one: Any, other: Any) -> bool:
    """Equal, where a NaN equals itself, and 0 is not -0."""
    if isinstance(one, float) and isinstance(other, float) and (math.isnan(one) or one == 0):
        return repr(one) == repr(other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


# devalue


def flatten(value: Any) -> Any:
    """The flat array of a value, or the number that stands for one of the constants."""
    flat: list[Any] = []
    known: dict[Any, int] = {}

    def add(value: Any) -> int:
        if value is UNDEFINED:
            return -1
        if isinstance(value, float):
            if math.isnan(value):
                return -3
            if math.isinf(value):
                return -4 if value > 0 else -5
            if value == 0 and math.copysign(1, value) < 0:
                return -6
        key = (type(value), repr(value))
        if not isinstance(value, list | dict | Pairs | Members) and key in known:
            return known[key]
        index = known[key] = len(flat)
        flat.append(None)
        flat[index] = write(value)
        return index

    def write(value: Any) -> Any:
        if isinstance(value, datetime):
            return ["Date", iso(value)]
        if isinstance(value, Big):
            return ["BigInt", str(value.value)]
        if isinstance(value, Members):
            return ["Set", *map(add, value.items)]
        if isinstance(value, Pairs):
            return ["Map", *(add(part) for pair in value.items for part in pair)]
        if isinstance(value, dict):
            return {key: add(each) for key, each in value.items()}
        return [add(each) for each in value] if isinstance(value, list) else value

    root = add(value)
    return root if root < 0 else flat


@given(values)
def test_devalue_gives_back_what_was_encoded(value):
    flat = json.loads(json.dumps(flatten(value)))
    assert same(devalue.hydrate(flat), expected(value))


@given(values)
def test_page_data_gives_back_a_node_and_a_chunk(value):
    node = {"type": "data", "data": [{"now": 1, "later": 2}, "here", ["Promise", 3], 1], "uses": {}}
    lines = [{"type": "data", "nodes": [None, node]}, {"type": "chunk", "id": 1, "data": flatten(value)}]
    page = devalue.load("\n".join(json.dumps(line) for line in lines).encode())
    assert page.nodes[0] is None
    assert same(page.nodes[1], {"now": "here", "later": expected(value)})


@given(st.binary())
def test_devalue_gives_back_bytes(data):
    text = base64.b64encode(data).decode()
    assert devalue.hydrate([["Uint8Array", text]]) == data


# superjson


def encode(value: Any) -> dict[str, Any]:
    """The document of a value: plain JSON, and notes on what JSON lacks."""
    plain, note = write(value)
    document: dict[str, Any] = {"json": plain}
    if note is not None:
        document["meta"] = {"values": note, "v": 1}
    return document


def write(value: Any) -> tuple[Any, Any]:
    """The JSON of a value and its note: a list for itself, a map for what is below it, None for none."""
    if value is UNDEFINED:
        return None, ["undefined"]
    if isinstance(value, float) and (not math.isfinite(value) or repr(value) == "-0.0"):
        text = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return ("-0" if value == 0 else text), ["number"]
    if isinstance(value, datetime):
        return iso(value), ["Date"]
    if isinstance(value, Big):
        return str(value.value), ["bigint"]
    if isinstance(value, Members):
        return list(value.items), ["set"]
    if isinstance(value, Pairs):
        plain, below = write([list(pair) for pair in value.items])
        return plain, ["map"] if below is None else ["map", below]
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        written = [(key, *write(each)) for key, each in items]
        notes: dict[str, Any] = {}
        for key, _, note in written:
            at = str(key).replace("\\", "\\\\").replace(".", "\\.")
            if isinstance(note, dict):
                notes |= {f"{at}.{path}": each for path, each in note.items()}
            elif note is not None:
                notes[at] = note
        made = {key: each for key, each, _ in written} if isinstance(value, dict) else [w[1] for w in written]
        return made, notes or None
    return value, None


@given(values)
def test_superjson_gives_back_what_was_encoded(value):
    assert same(superjson.load(json.dumps(encode(value))), expected(value))
