"""Any bytes, into every decoder: a value or the error that it promises, never another one and no hang."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggingchat_agent.errors import PageChanged
from huggingchat_agent.wire import (
    content,
    conversations,
    devalue,
    lenient_json,
    models,
    multipart,
    superjson,
    tools,
)
from huggingchat_agent.wire.inlined_responses import parse_inlined
from huggingchat_agent.wire.lines import LineSplitter, LineTooLong
from huggingchat_agent.wire.page_text import extract_text
from huggingchat_agent.wire.sse import SseDecoder

# Values as JSON has them, with the words on which decoders branch among their keys and texts.
WORDS = (
    "json meta values v type data nodes chunk id error redirect location skip message Date BigInt Set Map "
    "Promise null Object undefined bigint number set map conversations messages rootMessageId title "
    "updatedAt token from children hasMore models a.b 0 -1 2026-08-21T10:00:00.000Z"
).split()
LIMIT = 1000  # bytes, in place of what decoders take by default
words = st.sampled_from(WORDS) | st.text(max_size=6)
numbers = st.integers(-8, 12) | st.floats() | st.integers()
values = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(words, inner, max_size=5),
    max_leaves=25,
)


def spell(value):
    return json.dumps(value).encode()


def wrap(value, notes):
    return spell({"json": value, "meta": notes})


def page(data, chunk):
    node = {"type": "data", "nodes": [{"type": "data", "data": data}]}
    return spell(node) + b"\n" + spell({"type": "chunk", "id": 1, "data": chunk})


BODIES = (
    st.binary()
    | st.text().map(str.encode)
    | values.map(spell)
    | st.builds(wrap, values, values | st.fixed_dictionaries({"values": values}))
    | st.builds(page, values | st.lists(values), values)
)


def accept(decode, *errors):
    """The value of a body, or None where the decoder refuses it as it says."""

    def decode_or_refuse(body):
        try:
            return decode(body)
        except errors:
            return None

    return decode_or_refuse


DECODERS = {
    "json": accept(lenient_json.load, ValueError),
    "superjson": accept(superjson.load, PageChanged),
    "devalue": accept(devalue.load, PageChanged),
    "models": accept(models.parse_models, PageChanged),
    "conversation": accept(conversations.parse_conversation, PageChanged),
    "new conversation": accept(conversations.parse_new_conversation, PageChanged),
    "conversations": accept(conversations.parse_list, PageChanged),
    "settings": accept(content.parse_settings, PageChanged),
    "flags": accept(content.parse_flags, PageChanged),
    "tool servers": accept(tools.parse_servers, PageChanged),
    "share": accept(conversations.parse_share, PageChanged),
    "form": lambda body: multipart.parse_send_fields(body, "multipart/form-data; boundary=-"),
    "old form": lambda body: multipart.parse_send_fields(body, "application/json"),
    "responses in a page": parse_inlined,
    "text of a page": extract_text,
}


@pytest.mark.parametrize("name", DECODERS)
@given(body=BODIES)
def test_decoder_gives_a_value_or_its_own_error(name, body):
    DECODERS[name](body)


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"json":[', b"<p>"])
def test_deep_nesting_is_no_crash(name, opening):
    DECODERS[name](opening * 50_000)


@given(st.binary(), st.text(max_size=20))
def test_form_of_any_type_is_a_value_or_none(body, content_type):
    multipart.parse_send_fields(body, content_type)
    multipart.parse_send_fields(body, f"multipart/form-data; boundary={content_type}")


@given(
    st.lists(
        st.binary(max_size=20) | st.sampled_from([b"data:", b"\n", b"\n\n", b"\r\n", b"id:\0", b"event"])
    )
)
def test_server_events_do_not_mind_how_bytes_are_cut(pieces):
    decoder, whole = SseDecoder(), SseDecoder()
    one_by_one = [event for piece in pieces for event in decoder.feed(piece)]
    assert one_by_one == whole.feed(b"".join(pieces))


@pytest.mark.parametrize("size", [1, 7, 999])
def test_line_over_the_limit_is_an_error(size):
    splitter, taken = LineSplitter(longest=LIMIT), 0
    with pytest.raises(LineTooLong, match="longer than 1,000 bytes"):
        for _ in range(LIMIT + 1):
            splitter.feed(b"x" * size)
            taken += size
    assert taken <= LIMIT


@pytest.mark.parametrize("line", [b"data: x\n", b"data:\n", b"data: " + b"y" * 500 + b"\n"])
def test_event_that_never_ends_is_an_error(line):
    decoder = SseDecoder(longest=LIMIT)
    with pytest.raises(LineTooLong):
        for _ in range(LIMIT + 1):
            decoder.feed(line)


def test_whole_line_over_the_limit_is_an_error_too():
    with pytest.raises(LineTooLong):
        LineSplitter(longest=LIMIT).feed(b"x" * (LIMIT + 1) + b"\n")
    splitter = LineSplitter(longest=LIMIT)
    splitter.feed(b"x" * LIMIT)
    with pytest.raises(LineTooLong):
        splitter.feed(b"x\n")
    assert LineSplitter(longest=LIMIT).feed(b"x" * LIMIT + b"\n") == [b"x" * LIMIT]
