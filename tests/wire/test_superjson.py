import json
import math
from datetime import UTC, datetime

import pytest

from huggingchat_agent.errors import PageChanged
from huggingchat_agent.wire.superjson import load

DATE = "2026-11-21T06:41:31.690Z"
MOMENT = datetime(2026, 11, 21, 6, 41, 31, 690000, UTC)


def wrap(value, values, v=1):
    return json.dumps({"json": value, "meta": {"values": values, **({"v": v} if v else {})}})


@pytest.mark.parametrize(
    ("value", "values", "loaded"),
    [
        ({"a": None, "b": None}, {"a": ["undefined"]}, {"b": None}),
        ([None, 1], {"0": ["undefined"]}, [None, 1]),
        (None, ["undefined"], None),
        ({"m": [{"at": DATE}]}, {"m.0.at": ["Date"]}, {"m": [{"at": MOMENT}]}),
        (DATE, ["Date"], MOMENT),
        ({"a": "never"}, {"a": ["Date"]}, {"a": "never"}),
        ({"a": "12345678901234567890"}, {"a": ["bigint"]}, {"a": 12345678901234567890}),
        (
            {"a": "Infinity", "b": "-Infinity"},
            {"a": ["number"], "b": ["number"]},
            {"a": math.inf, "b": -math.inf},
        ),
        ({"a": [DATE, "x"]}, {"a": ["set", {"0": ["Date"]}]}, {"a": {MOMENT, "x"}}),
        ({"a": [{"b": 1}]}, {"a": ["set"]}, {"a": [{"b": 1}]}),
        ({"m": [["k", DATE]]}, {"m": ["map", {"0.1": ["Date"]}]}, {"m": {"k": MOMENT}}),
        ([[["k", None]]], {"0": ["map"]}, [{"k": None}]),
        ({"_id": "6b01"}, {"_id": [["custom", "ObjectId"]]}, {"_id": "6b01"}),
        ({"a": "/x/g", "b": "u"}, {"a": ["regexp"], "b": ["URL"]}, {"a": "/x/g", "b": "u"}),
        ({"a": {"at": DATE}}, {"a": [["class", "Thing"], {"at": ["Date"]}]}, {"a": {"at": MOMENT}}),
        ({"b.c": DATE, "b": {"c": DATE}}, {"b\\.c": ["Date"]}, {"b.c": MOMENT, "b": {"c": DATE}}),
        ({"b\\": {"c": DATE}}, {"b\\\\.c": ["Date"]}, {"b\\": {"c": MOMENT}}),
        ({"a": 1}, {"b.c": ["Date"], "a.b": ["Date"], "z": ["Date"]}, {"a": 1}),
        ({"m": {"gpt-4.1": None}}, {"m.gpt-4\\.1": ["undefined"]}, {"m": {}}),
    ],
)
def test_load_restores_what_the_notes_say(value, values, loaded):
    assert load(wrap(value, values)) == loaded


def test_load_restores_the_numbers_json_has_not():
    loaded = load(wrap({"a": "NaN", "b": "-0"}, {"a": ["number"], "b": ["number"]}))
    assert math.isnan(loaded["a"])
    assert math.copysign(1, loaded["b"]) == -1


def test_load_reads_a_backslash_of_older_apps_as_itself():
    assert load(wrap({"b\\\\": {"c": DATE}}, {"b\\\\.c": ["Date"]}, v=None)) == {"b\\\\": {"c": DATE}}
    assert load(wrap({"b.c": DATE}, {"b\\.c": ["Date"]}, v=None)) == {"b.c": MOMENT}


def test_load_ignores_referential_equalities():
    body = '{"json":{"_id":"6b01","id":"6b01"},"meta":{"referentialEqualities":{"_id":["id"]},"v":1}}'
    assert load(body) == {"_id": "6b01", "id": "6b01"}


@pytest.mark.parametrize("body", ["[1]", '{"a":1}', '{"json":1,"other":2}', "null", "7"])
def test_load_returns_a_body_without_the_wrapper_as_it_is(body):
    assert load(body) == json.loads(body)


@pytest.mark.parametrize("body", [b"<!doctype html>", b"", b'{"json":'])
def test_load_raises_page_changed_for_what_is_no_json(body):
    with pytest.raises(PageChanged):
        load(body)
