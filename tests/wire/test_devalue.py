import json
import math
from datetime import UTC, datetime

import pytest

from huggingchat_agent.errors import PageChanged
from huggingchat_agent.wire.devalue import NodeError, hydrate, load


def body(*lines):
    return "\n".join(json.dumps(line) for line in lines).encode() + b"\n"


def data(*nodes):
    return {"type": "data", "nodes": list(nodes)}


def node(*flat):
    return {"type": "data", "data": list(flat), "uses": {}}


@pytest.mark.parametrize(
    ("flat", "value"),
    [
        ([{"a": 1, "b": 2, "gone": -1}, "x", [3, 3, -2, -1], 7], {"a": "x", "b": [7, 7, None, None]}),
        ([[]], []),
        ([["Date", "2026-11-21T06:44:03.660Z"]], datetime(2026, 11, 21, 6, 44, 3, 660000, UTC)),
        ([["Date", ""]], None),
        ([["BigInt", "12345678901234567890"]], 12345678901234567890),
        ([["Set", 1, 2], "a", "b"], {"a", "b"}),
        ([["Set", 1], [2], "a"], [["a"]]),
        ([["Map", 1, 2, 3, 3], "k", 5, "l"], {"k": 5, "l": "l"}),
        ([["Map", 1, 2], [], 5], [([], 5)]),
        ([["RegExp", "a+", "g"]], "a+"),
        ([["Object", 5]], 5),
        ([["null", "a", 1, "b", -1], 4], {"a": 4}),
        ([["Uint8Array", "AQI="]], b"\x01\x02"),
        ([["ArrayBuffer", "AQI="]], b"\x01\x02"),
        ([["Invented", 1], {"a": 2}, 3], {"a": 3}),
        ([["Promise", 1], 9], None),
        ([-5], -5),  # a number in the flat array is a value
        (["text"], "text"),
        (-4, math.inf),
        (-5, -math.inf),
        (-1, None),
        ([[1, 1], {"same": 2}, True], [{"same": True}, {"same": True}]),
    ],
    ids=lambda each: str(sorted(each)) if isinstance(each, set) else str(each),
)
def test_hydrate_gives_the_value(flat, value):
    assert hydrate(flat) == value


def test_hydrate_gives_the_numbers_json_has_not():
    nan, zero = hydrate([[-3, -6]])
    assert math.isnan(nan)
    assert math.copysign(1, zero) == -1


def test_hydrate_gives_one_object_for_one_index_also_in_a_cycle():
    value = hydrate([{"self": 0, "list": 1, "again": 1}, [0]])
    assert value["self"] is value
    assert value["list"] is value["again"]
    assert value["list"][0] is value


def test_load_resolves_promises_from_their_chunks():
    first = data(
        node(
            {"now": 1, "later": 2, "broken": 3, "never": 4},
            "a",
            ["Promise", 5],
            ["Promise", 6],
            ["Promise", 7],
            1,
            2,
            3,
        )
    )
    chunks = [
        {"type": "chunk", "id": 1, "data": [["Promise", 1], 4]},
        {"type": "chunk", "id": 4, "data": [{"x": 1}, "deep"]},
        {"type": "chunk", "id": 2, "error": {"message": "No."}},
    ]
    [value] = load(body(first, *chunks)).nodes
    assert value == {"now": "a", "later": {"x": "deep"}, "broken": NodeError("No."), "never": None}


def test_load_tells_skipped_and_failed_nodes():
    error = {"type": "error", "error": {"message": "Conversation not found"}, "status": 404}
    page = load(body(data(None, {"type": "skip"}, node("a"), error)))
    assert page.nodes == [None, None, "a", NodeError("Conversation not found", 404)]
    assert page.redirect is None


def test_load_tells_a_redirect():
    page = load(b'{"type":"redirect","location":"/chat/"}')
    assert (page.nodes, page.redirect) == ([], "/chat/")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<!doctype html>",
        b"[]",
        b'{"type":"data"}',
        body(data(node({"a": 5}))),
        body(data(node({"a": -9}))),
        body(data(node(["Date", "never"]))),
        body(data(node(["Map", 0]))),
        body(data({"type": "data"})),
        body(data(7)),
    ],
)
def test_load_raises_page_changed_for_anything_else(text):
    with pytest.raises(PageChanged):
        load(text)
