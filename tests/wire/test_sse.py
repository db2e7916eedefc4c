import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggingchat_agent.wire.sse import ServerSentEvent, SseDecoder
from tests.wire.recordings import exchanges

STREAM = (
    "\ufeffid: 9\nevent: update\ndata: {\"token\":\"héllo 日本語 👩‍👩‍👧‍👦 e\u0301 \"}\n\n"
    ": heartbeat\n\n"
    "id: 10\nevent: update\ndata:{\"a\":1}\ndata:  two\n\n"
    "retry: 3000\nfuture: x\nlonely\n\n"
    "event: end\ndata: {\"status\":\"completed\"}\n\n"
    "data\n\n"
    "event: nothing\n\n"
    "data: after\n\n"
    "data: never closed"
)  # fmt: skip
EVENTS = [
    ServerSentEvent("update", "9", '{"token":"héllo 日本語 👩‍👩‍👧‍👦 e\u0301 "}'),
    ServerSentEvent("update", "10", '{"a":1}\n two'),
    ServerSentEvent("end", "10", '{"status":"completed"}'),
    ServerSentEvent("message", "10", ""),
    ServerSentEvent("message", "10", "after"),
]


def decoded(*pieces):
    decoder = SseDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"], ids=repr)
def test_decoder_gives_the_same_events_cut_at_every_byte(end):
    body = STREAM.replace("\n", end).encode()
    assert decoded(body) == EVENTS
    assert all(decoded(body[:at], body[at:]) == EVENTS for at in range(len(body)))
    assert decoded(*(body[at : at + 1] for at in range(len(body)))) == EVENTS


def test_decoder_gives_an_event_with_its_last_byte():
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\n") == []
    assert decoder.feed(b"\n") == [ServerSentEvent("message", "", "a")]


def test_decoder_takes_cr_and_lf_in_two_pieces_for_one_end():
    assert decoded(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n") == [ServerSentEvent("message", "", "a\nb")]


def test_decoder_ignores_an_id_with_a_nul():
    assert decoded(b"id: 4\n\nid: 5\0\ndata: a\n\n") == [ServerSentEvent("message", "4", "a")]


@given(
    st.lists(st.sampled_from([b"data: a", b"id: 1", b":", b"event: e", b"\r", b"\n", b"\r\n", "é".encode()]))
)
def test_decoder_does_not_mind_how_bytes_are_cut(parts):
    body = b"".join(parts)
    assert decoded(*parts) == decoded(body) == decoded(*(body[at : at + 1] for at in range(len(body))))


@pytest.mark.timeout(20)
def test_decoder_takes_a_long_line_in_small_pieces():
    decoder = SseDecoder()
    assert not decoder.feed(b"data:")
    for _ in range(400_000):  # to put the line together anew for each takes minutes
        assert not decoder.feed(b"12345678")
    assert decoder.feed(b"\n\n") == [ServerSentEvent("message", "", "12345678" * 400_000)]


@pytest.mark.parametrize(
    "exchange", [each for each in exchanges() if each.raw.get("mime") == "text/event-stream"], ids=str
)
def test_recorded_event_stream_decodes_to_what_the_page_saw(exchange):
    seen = [ServerSentEvent(each["event"], each["id"], each["data"]) for each in exchange.raw["events"]]
    # The recorder stopped listening to the page and to the network at slightly different times.
    found = decoded(exchange.body)
    both = min(len(seen), len(found))
    assert found[:both] == seen[:both]
    assert abs(len(seen) - len(found)) <= 1
    body = exchange.body
    step = 1 if len(body) < 4000 else 7  # the long one is mostly one line
    assert all(decoded(body[:at], body[at:]) == found for at in range(0, len(body), step))
