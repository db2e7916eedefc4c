import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggingchat_agent.wire import updates
from huggingchat_agent.wire.updates import Unknown, decode, parse


def line(**fields: Any) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


CALL: dict[str, Any] = {"name": "echo", "parameters": {"text": "ping"}}
QUESTION = {
    "elicitationId": "e",
    "server": "s",
    "mode": "form",
    "message": "Which?",
    "fields": [{"kind": "string"}],
}

LINES = [
    ({"type": "status", "status": "started"}, updates.Started()),
    ({"type": "status", "status": "keepAlive"}, updates.KeepAlive()),
    ({"type": "status", "status": "finished"}, updates.Finished()),
    ({"type": "status", "status": "error", "message": "no", "statusCode": 402}, updates.Errored("no", 402)),
    ({"type": "status", "status": "error", "message": None}, updates.Errored()),
    ({"type": "title", "title": "💬 hi"}, updates.Title("💬 hi")),
    ({"type": "stream", "token": "hi"}, updates.Token("hi")),
    ({"type": "stream", "token": "", "len": 4}, updates.Token("", 4)),
    ({"type": "finalAnswer", "text": "a", "interrupted": True}, updates.FinalAnswer("a", True)),
    (
        {
            "type": "finalAnswer",
            "text": "a",
            "interrupted": False,
            "webSources": [{"uri": "u", "title": "t"}],
        },
        updates.FinalAnswer("a", False, [{"uri": "u", "title": "t"}]),
    ),
    ({"type": "finalAnswer", "text": "a", "webSources": None}, updates.FinalAnswer("a")),
    ({"type": "reasoning", "subtype": "stream", "token": "hm"}, updates.ReasoningToken("hm")),
    (
        {"type": "reasoning", "subtype": "status", "status": "Done in 3s."},
        updates.ReasoningStatus("Done in 3s."),
    ),
    (
        {"type": "routerMetadata", "route": "code", "model": "m", "provider": None},
        updates.RouterMetadata("code", "m"),
    ),
    (
        {"type": "tool", "subtype": "call", "uuid": "u", "call": CALL, "originalId": "c", "content": "x"},
        updates.ToolCall("u", updates.Call("echo", {"text": "ping"})),
    ),
    (
        {"type": "tool", "subtype": "call", "uuid": "u", "call": CALL, "argumentsRaw": '{"a":[1]}'},
        updates.ToolCall("u", updates.Call("echo", {"text": "ping"}), '{"a":[1]}'),
    ),
    ({"type": "tool", "subtype": "eta", "uuid": "u", "eta": 10}, updates.ToolEta("u", 10)),
    (
        {"type": "tool", "subtype": "progress", "uuid": "u", "progress": 0.5, "total": 2, "message": "half"},
        updates.ToolProgress("u", 0.5, 2, "half"),
    ),
    (
        {
            "type": "tool",
            "subtype": "result",
            "uuid": "u",
            "result": {"status": "success", "call": CALL, "outputs": [{"text": "ping"}], "display": True},
        },
        updates.ToolResult("u", updates.Result("success", updates.Call(**CALL), [{"text": "ping"}])),
    ),
    (
        {"type": "tool", "subtype": "result", "uuid": "u", "result": {"status": "error", "message": "no"}},
        updates.ToolResult("u", updates.Result("error", message="no")),
    ),
    ({"type": "tool", "subtype": "error", "uuid": "u", "message": "no"}, updates.ToolError("u", "no")),
    (
        {"type": "file", "name": "a.png", "sha": "569f", "mime": "image/png"},
        updates.File("a.png", "569f", "image/png"),
    ),
    (
        {"type": "webSearch", "subtype": "update", "message": "Searching", "args": ["q"]},
        updates.SearchUpdate("Searching", ["q"]),
    ),
    ({"type": "webSearch", "subtype": "error", "message": "no"}, updates.SearchError("no")),
    (
        {"type": "webSearch", "subtype": "sources", "message": "sources", "sources": [{"link": "l"}]},
        updates.SearchSources([{"link": "l"}]),
    ),
    ({"type": "webSearch", "subtype": "finished"}, updates.SearchFinished()),
    (
        {
            "type": "elicitation",
            "subtype": "request",
            "request": QUESTION,
            "expiresAt": 1795243304409,
            "toolUuid": "u",
        },
        updates.ElicitationRequest(
            updates.Question("e", "s", "form", "Which?", [{"kind": "string"}]), 1795243304409.0, "u"
        ),
    ),
    (
        {
            "type": "elicitation",
            "subtype": "resolved",
            "elicitationId": "e",
            "action": "accept",
            "resolution": "user",
            "content": {"name": "Ada"},
        },
        updates.ElicitationResolved("e", "accept", "user", {"name": "Ada"}),
    ),
]


@pytest.mark.parametrize(("raw", "update"), LINES, ids=lambda each: type(each).__name__)
def test_line_decodes(raw, update):
    assert decode(line(**raw)) == update
    assert decode(b" " * 4096 + line(**raw)) == update
    assert parse(raw) == update


@pytest.mark.parametrize(("raw", "update"), LINES, ids=lambda each: type(each).__name__)
def test_line_decodes_when_it_has_keys_nobody_knows_and_another_order(raw, update):
    assert decode(line(future={"a": 1}, **dict(reversed(raw.items())))) == update


def test_every_kind_of_line_is_tested():
    assert {type(update) for _, update in LINES} == set(updates._KINDS.values())


@pytest.mark.parametrize(
    ("text", "token"),
    [
        (rb"You \u0000\u0000\u0000", "You "),
        (rb"a\u0000b\u0000", "ab"),
        (rb"\\u0000", r"\u0000"),
        (rb"\u0000", ""),
        ("日本語 é 👩‍👩‍👧‍👦 e\u0301 ".encode(), "日本語 é 👩‍👩‍👧‍👦 e\u0301 "),
        (rb"\"quoted\" \\ \n\t", '"quoted" \\ \n\t'),
        (rb"half \ud83d", "half �"),
        (b"broken \xff", "broken �"),
    ],
)
def test_token_is_without_nuls_and_else_untouched(text, token):
    for spelled in (b'{"type":"stream","token":"%s"}', b'{"token": "%s", "type": "stream"}'):
        assert decode(spelled % text) == updates.Token(token)


def test_nuls_of_other_lines_stay():
    assert decode(rb'{"type":"title","title":"a\u0000"}') == updates.Title("a\0")


@pytest.mark.parametrize(
    "raw",
    [
        {"type": "agent", "agent": {}},
        {"type": "tool", "subtype": "dance", "uuid": "u"},
        {"type": "status", "status": "paused"},
        {"type": "status"},
        {"type": "stream"},
        {"type": "stream", "token": 7},
        {"type": "title", "title": None},
        {"type": "tool", "subtype": "call", "uuid": "u", "call": "echo"},
        {"type": 7},
        {"type": "tool", "subtype": ["call"]},
        {"type": ["stream"]},
        {},
    ],
    ids=str,
)
def test_line_of_another_type_or_shape_is_unknown_and_kept(raw):
    assert decode(line(**raw)) == Unknown(raw)


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        (b"<html>", "<html>"),
        (b"[1]", [1]),
        (b"7", 7),
        (b'{"type":"stream","token":"a', '{"type":"stream","token":"a'),
        (b"\xff", "�"),
        (b"", ""),
        (b"[" * 100_000, "[" * 100_000),
    ],
    ids=lambda each: str(each)[:20],
)
def test_line_that_is_no_object_is_unknown_and_kept(text, raw):
    assert decode(text) == Unknown(raw)


@given(st.binary() | st.binary().map(lambda rest: b'{"type":"stream","token":"' + rest))
def test_decode_never_raises(text):
    assert isinstance(decode(text), updates.Update)


@given(st.text())
def test_token_of_any_text_decodes(text):
    assert decode(line(type="stream", token=text.ljust(16, "\0"))) == updates.Token(text.replace("\0", ""))


def test_long_line_decodes():
    assert decode(line(type="finalAnswer", text="é" * 1_000_000)) == updates.FinalAnswer("é" * 1_000_000)


SPELLED = [
    *(json.dumps(raw).encode() for raw, _ in LINES),
    *(json.dumps(raw, separators=(",", ":")).encode() for raw, _ in LINES),
    rb'{"type":"stream","token":"a\u0000\u0000"}',
    rb'{"type":"stream","token":"\\u0000"}',
    rb'{"type":"stream","token":"\\\u0000"}',
    rb'{"type":"stream","token":"half \ud83d"}',
    rb'{"token":"no type"}',
    rb'{"type":"stream","len":4,"token":""}',
    b'  {"type":"stream","token":"white space"}\r',
    b'{"type":"stream","token":7}',
    b'{"type":"stream","token":"',
    b"not JSON",
    b"",
    b"   ",
]


@given(st.lists(st.sampled_from(SPELLED)))
def test_lines_decode_together_as_one_by_one(lines):
    one_by_one = [decode(each.strip()) for each in lines if each.strip()]
    assert list(updates.decode_lines(b"".join(each + b"\n" for each in lines))) == one_by_one
