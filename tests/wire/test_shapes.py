"""Differences from the shapes that the agent knows; recorded traffic of real builds has none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fixtures.site.drifts import DRIFTS, MODELS, READ
from huggingchat_agent.wire import purposes, shapes, updates
from huggingchat_agent.wire.routes import classify

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "recordings"


def said(found: Any) -> list[str]:
    return [f"{each.part}: {each.what} is {each.change}" for each in found]


@pytest.mark.parametrize("build", ["2025-04", "2026-08"])
def test_real_builds_differ_in_nothing(build):
    compared = 0
    for path in sorted((RECORDINGS / build).glob("*.json")):
        recorded = json.loads(path.read_text())
        if not isinstance(recorded, dict):
            continue
        answers = recorded.get("exchanges") or [each for each in recorded.values() if isinstance(each, dict)]
        for each in answers:
            method = each.get("method") or (each.get("init") or {}).get("method", "GET")
            url = each.get("url", "")
            purpose = classify(method, f"/chat/{url.removeprefix('/chat/')}", "/chat")
            body = each.get("response") or each.get("body") or ""
            if each.get("status") != 200 or not isinstance(body, str):
                continue
            if isinstance(purpose, purposes.SendMessage):
                body = "".join(text for _, text in each["chunks"])
                found = [
                    drift for raw in shapes.read_lines([body.encode()]) for drift in shapes.compare_line(raw)
                ]
            else:
                found = list(shapes.compare(type(purpose), body))
            assert said(found) == [], (path.name, url)
            compared += 1
    assert compared > 15


def test_data_of_pages_differs_in_nothing_and_is_compared():
    recorded = json.loads((RECORDINGS / "2025-04" / "endpoints.json").read_text())
    for name, purpose, known in (
        ("home_data", purposes.ListModels, "displayName"),
        ("home_data", purposes.ReadSettings, "activeModel"),
        ("conversation_data_all", purposes.ReadConversation, "from"),
    ):
        body = recorded[name].get("response") or recorded[name]["body"]
        assert said(shapes.compare(purpose, body)) == [], name
        found = said(shapes.compare(purpose, body.replace(f'"{known}":', '"novel":')))
        part = shapes.SHAPES[purpose].part.replace("a conversation", "a message")
        assert f"{part}: the field {known} is gone" in found
        assert f"{part}: the field novel is new" in found


def test_lines_that_are_decoded_are_those_that_are_compared():
    assert set(shapes.LINES) == set(updates._KINDS)
    for (kind, below), shape in shapes.LINES.items():
        names = {each.encode_name for each in msgspec.structs.fields(updates._KINDS[kind, below])}
        assert names <= shape.always | shape.sometimes, (kind, below)


@pytest.mark.parametrize(
    ("raw", "differs"),
    [
        ({"type": "thoughts"}, "the stream: the line thoughts is new"),
        ({"type": "status", "status": "queued"}, "the stream: the line status queued is new"),
        ({"type": ["stream"]}, "the stream: the line ['stream'] is new"),
        ({"token": "x"}, "the stream: the line without a type is new"),
        ("ping", "the stream: a line that is no object is new"),
        (
            {"type": "finalAnswer", "text": "", "interrupted": False, "usage": {}},
            "the stream's line finalAnswer: the field usage is new",
        ),
        ({"type": "finalAnswer", "text": ""}, "the stream's line finalAnswer: the field interrupted is gone"),
    ],
)
def test_line_that_differs_is_named(raw, differs):
    assert said(shapes.compare_line(raw)) == [differs]


def test_names_of_the_app_are_cut_and_counted():
    many = {"json": {f"{'x' * 99}{number}": 1 for number in range(99)}}
    found = said(shapes.compare(purposes.ReadUser, json.dumps(many)))
    assert len(found) == 2 + shapes.MOST
    assert max(map(len, found)) < 100


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[1]", b"null", b"\xff", b'{"json": 3}', b'{"json": [[]]}']
)
def test_other_answers_do_no_harm(body):
    for purpose in shapes.SHAPES:
        list(shapes.compare(purpose, body))


def test_map_within_an_object_is_not_compared():
    value = {"activeModel": "a", "customPrompts": {"any": "name"}, "directPaste": False}
    value |= {"shareConversationsWithModelAuthors": True}
    assert said(shapes.compare(purposes.ReadSettings, json.dumps(value))) == []


def test_drifts_of_the_site_are_named_in_lists_and_objects():
    edit = dict(DRIFTS["a field in models"].answers)[MODELS]
    found = shapes.compare(purposes.ListModels, json.dumps(edit([{"id": "a", "name": "a"}])))
    assert "a model: the field contextLength is new" in said(found)
    edit = dict(DRIFTS["a field in messages"].answers)[READ]
    read: dict[str, Any] = {
        "title": "",
        "rootMessageId": "1",
        "messages": [{"id": "1", "from": "user", "content": "", "updates": [{"type": "new"}]}],
    }
    changes = said(shapes.compare(purposes.ReadConversation, json.dumps({"json": edit(read), "meta": {}})))
    assert "a message: the field tokenCount is new" in changes
    assert "a message: the field ancestors is gone" in changes
    assert "the stream: the line new is new" in changes
