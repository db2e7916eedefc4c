"""The new part of updates that start again."""

import itertools
from typing import Any

import hypothesis.strategies as st
from hypothesis import given

from huggingchat_agent.wire import catch_up, lenient_json, sse, updates
from huggingchat_agent.wire.catch_up import CatchUp
from huggingchat_agent.wire.conversations import StoredMessage
from huggingchat_agent.wire.lines import LineSplitter

TITLE = updates.Title("A title")
CALL = updates.ToolCall("1", updates.Call("echo"))


def cut_tokens(text, cuts):
    borders = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [updates.Token(text[a:b]) for a, b in itertools.pairwise(borders)]


def join_text(found):
    return "".join(each.token for each in found if isinstance(each, updates.Token))


@given(st.text(), st.lists(st.integers(0, 500)), st.integers(0, 500))
def test_every_character_comes_once_however_the_text_is_cut(text, cuts, seen):
    seen %= len(text) + 1
    rest = CatchUp(text[:seen], [])
    new = [each for each in map(rest.feed, cut_tokens(text, cuts)) if each is not None]
    assert text[:seen] + join_text(new) == text


def test_character_whose_halves_came_in_two_tokens_counts_as_it_does_in_the_app():
    rest = CatchUp("a\ufffd\ufffdb", [])
    assert rest.feed(updates.Token("a\U0001f600bc")) == updates.Token("c")


def test_other_updates_come_once_too():
    rest = CatchUp("ab", [TITLE, CALL])
    lines = [TITLE, updates.Token("ab"), updates.ToolCall("1", updates.Call()), TITLE, updates.Finished()]
    assert [rest.feed(each) for each in lines] == [None, None, None, TITLE, updates.Finished()]


def test_stored_updates_are_those_of_the_stream():
    stored: list[Any] = [
        {"type": "status", "status": "started"},
        {"type": "stream", "token": "", "len": 3},
        {"type": "title", "title": "A title"},
        {"type": "stream", "token": "", "len": 2},
    ]
    found = catch_up.read_updates(StoredMessage(id="a", author="assistant", content="a😀bc", updates=stored))
    assert found == [updates.Started(), updates.Token("a😀"), TITLE, updates.Token("bc")]


def test_what_a_parked_run_wrote_is_left_out_of_the_run_that_goes_on():
    stored: list[Any] = [
        {"type": "stream", "token": "", "len": 1},
        {"type": "status", "status": "finished"},
        {"type": "elicitation", "subtype": "resolved", "elicitationId": "e"},
        {"type": "stream", "token": "", "len": 2},
    ]
    message = StoredMessage(id="a", author="assistant", content="abc", updates=stored)
    found = catch_up.read_updates(message, resumed="e")
    assert found == [updates.ElicitationResolved("e"), updates.Token("bc")]


@given(st.lists(st.binary(max_size=300)))
def test_any_bytes_are_events_or_nothing(pieces):
    for decode in (sse.SseDecoder().feed, LineSplitter().feed):
        for piece in pieces:
            for found in decode(piece):
                updates.decode(found.data if isinstance(found, sse.ServerEvent) else found)


@given(st.binary(max_size=2000))
def test_any_bytes_are_an_update(line):
    updates.decode(line)
    updates.decode(b'{"type":"stream",' + line)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda below: st.lists(below) | st.dictionaries(st.text(), below),
    max_leaves=10,  # large values take seconds to draw, and find nothing more
)


@given(st.sampled_from(sorted(updates._KINDS, key=str)), st.dictionaries(st.text(), JSON, max_size=5))
def test_any_value_is_an_update(kind, fields):
    name, below = kind
    updates.parse({**fields, "type": name, "subtype": below, "status": below})


def test_events_are_whole_however_the_bytes_are_cut():
    body = b': heartbeat\n\nid: 7\r\nevent: update\r\ndata: {"a":\r\ndata: 1}\r\n\r\n'
    body += b"event: end\ndata: {}\n\nevent: end\ndata: {"
    for size in (1, 2, 3, 7, len(body)):
        decoder = sse.SseDecoder()
        found = [each for at in range(0, len(body), size) for each in decoder.feed(body[at : at + size])]
        assert found == [("update", "7", b'{"a":\n1}'), ("end", "7", b"{}")]
        assert lenient_json.load(found[0].data) == {"a": 1}


def test_deeply_nested_line_is_unknown_and_costs_nothing_else():
    for depth in (101, 900, 100_000):
        deep = b"[" * depth + b"]" * depth
        lines = [b'{"type":"stream","token":"a","x":' + deep + b"}", b'{"type":"x","y":' + deep + b"}"]
        for line in lines[1:]:
            assert isinstance(updates.decode(line), updates.Unknown)
        updates.decode(lines[0])
