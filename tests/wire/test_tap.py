from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huggingchat_agent.exchange import Chunk, Ended, Failed, Responded, SseMessage, Started
from huggingchat_agent.wire.tap import EVENTS, Command, Tap
from tests.wire.cdp import (
    Browser,
    Script,
    data,
    event,
    failed,
    finished,
    make_response,
    navigated,
    request,
    response,
)


class Feeding:
    """A tap that is fed by hand, and what came out of it."""

    def __init__(self, wanted=lambda url: True):
        self.tap = Tap("tab", wanted)
        self.events = []
        self.commands = []
        self.now = 0.0

    def __call__(self, *messages):
        for message in messages:
            self.now += 1
            self.take(hand_over(self.tap, message, self.now))
        return self

    def take(self, out):
        self.commands += [each for each in out if isinstance(each, Command)]
        self.events += [each for each in out if not isinstance(each, Command)]

    def answer(self, command, **result):
        return self({"id": command.id, "result": result})

    def refuse(self, command, message="No"):
        return self({"id": command.id, "error": {"code": -32000, "message": message}})

    def close(self):
        self.take(self.tap.close(99.0))
        return self

    @property
    def kinds(self):
        return [type(each) for each in self.events]

    @property
    def body(self):
        return b"".join(each.data for each in self.events if isinstance(each, Chunk))

    @property
    def methods(self):
        return [each.method for each in self.commands]


def hand_over(tap, message, at):
    """One CDP message, by the door that it belongs to."""
    if "method" in message:
        return tap.take_event(message["method"], message.get("params", {}), at)
    error = message.get("error") or {}
    return tap.take_answer(message["id"], message.get("result"), error.get("message", ""), at)


def b64(content):
    return b64encode(content).decode()


def check_exchanges(events, page="tab"):
    """Every exchange keeps to the order exchange.py promises; returns their events by id."""
    found: dict[str, list[Any]] = {}
    for each in events:
        found.setdefault(each.exchange_id, []).append(each)
    for exchange in found.values():
        kinds = [type(each) for each in exchange]
        assert kinds[0] is Started
        assert kinds[-1] in (Ended, Failed)
        assert not {Ended, Failed} & set(kinds[:-1])
        assert kinds.count(Started) == 1
        assert kinds.count(Responded) <= 1
        if Chunk in kinds:
            assert kinds.index(Responded) < kinds.index(Chunk)
        assert [each.at for each in exchange] == sorted(each.at for each in exchange)
        assert {each.page for each in exchange} == {page}
    return found


# Opening.


def test_opening_gives_the_network_explicit_buffers():
    enable, page = Tap("tab", lambda url: True).make_opening_commands()
    assert (enable.method, page.method) == ("Network.enable", "Page.enable")
    assert enable.params["maxTotalBufferSize"] == 100_000_000
    assert enable.params["maxResourceBufferSize"] == 50_000_000
    assert enable.params["maxPostDataSize"] == 50_000_000
    assert enable.id != page.id


def test_events_are_those_the_tap_reacts_to():
    tap = Tap("tab", lambda url: True)
    assert set(EVENTS) == set(tap._handlers)


# One stream.


def test_stream_gives_started_responded_chunks_ended():
    feed = Feeding()(request(postData="hi", hasPostData=True), response())
    [command] = feed.commands
    assert (command.method, command.params) == ("Network.streamResourceContent", {"requestId": "1"})
    feed.answer(command, bufferedData="")(data(2, b"ab"), data(1, b"c"), finished())
    assert feed.kinds == [Started, Responded, Chunk, Chunk, Ended]
    assert feed.body == b"abc"
    started, responded, *_ = feed.events
    assert (started.method, started.kind, started.body, started.has_body) == ("POST", "fetch", b"hi", True)
    assert started.headers == {"content-type": "text/plain"}
    assert (started.exchange_id, started.page, started.at) == ("tab:1", "tab", 1.0)
    assert (responded.status, responded.mime, responded.protocol) == (200, "application/jsonl", "h2")


def test_stream_chunk_is_out_as_soon_as_its_data_is_in():
    feed = Feeding()(request(), response())
    feed.answer(feed.commands[0], bufferedData="")
    feed(data(1, b"a"))
    assert feed.body == b"a"
    feed(data(1, b"b"))
    assert feed.body == b"ab"


def test_stream_data_before_the_answer_follow_what_was_buffered():
    feed = Feeding()(request(), response(), data(2), data(2, b"cd"))
    assert feed.body == b""
    feed.answer(feed.commands[0], bufferedData=b64(b"ab"))(data(2, b"ef"), finished())
    assert feed.body == b"abcdef"
    assert feed.kinds[-1] is Ended


def test_stream_end_waits_for_the_answer():
    feed = Feeding()(request(), response(), data(2), finished())
    assert feed.kinds == [Started, Responded]
    feed.answer(feed.commands[0], bufferedData=b64(b"ab"))
    assert feed.kinds == [Started, Responded, Chunk, Ended]


def test_stream_failure_waits_for_the_answer_and_keeps_what_had_arrived():
    feed = Feeding()(request(), response(), data(2), failed(error="net::ERR_ABORTED", canceled=True))
    feed.answer(feed.commands[0], bufferedData=b64(b"ab"))
    assert feed.body == b"ab"
    assert (feed.events[-1].reason, feed.events[-1].canceled) == ("net::ERR_ABORTED", True)


def test_stream_over_before_the_command_is_read_as_a_whole():
    feed = Feeding()(request(), response(), data(2), finished())
    feed.refuse(feed.commands[0], "Request with the provided ID has already finished loading")
    assert feed.methods[1:] == ["Network.getResponseBody"]
    feed.answer(feed.commands[1], body=b64(b"ab"), base64Encoded=True)
    assert feed.kinds == [Started, Responded, Chunk, Ended]
    assert feed.body == b"ab"


def test_stream_refused_while_loading_is_read_as_a_whole_at_its_end():
    feed = Feeding()(request(), response(), data(2))
    feed.refuse(feed.commands[0], "'Network.streamResourceContent' wasn't found")(data(2))
    assert feed.methods == ["Network.streamResourceContent"]
    feed(finished()).answer(feed.commands[1], body=b64(b"abcd"), base64Encoded=True)
    assert feed.body == b"abcd"
    assert feed.kinds[-1] is Ended


def test_stream_that_broke_before_the_command_fails_without_asking_for_its_body():
    feed = Feeding()(request(), response(), data(2), failed())
    feed.refuse(feed.commands[0], "Request with the provided ID has already finished loading")
    assert feed.kinds == [Started, Responded, Failed]
    assert feed.methods == ["Network.streamResourceContent"]


def test_stream_short_at_a_clean_end_is_a_failure_that_says_how_short():
    feed = Feeding()(request(), response(), data(700))
    feed.answer(feed.commands[0], bufferedData="")(data(3, b"abc"), finished())
    assert feed.body == b"abc"
    assert isinstance(feed.events[-1], Failed)
    assert "700 bytes of 703" in feed.events[-1].reason


def test_stream_of_zero_bytes_ends_without_a_chunk():
    feed = Feeding()(request(), response())
    feed.answer(feed.commands[0], bufferedData="")(data(0), finished())
    assert feed.kinds == [Started, Responded, Ended]


def test_stream_length_counts_decoded_bytes_not_those_of_the_network():
    feed = Feeding()(request(), response())
    feed.answer(feed.commands[0], bufferedData="")
    feed(event("dataReceived", requestId="1", dataLength=3, encodedDataLength=0, data=b64(b"abc")))
    feed(event("dataReceived", requestId="1", dataLength=0, encodedDataLength=23), finished())
    assert feed.kinds == [Started, Responded, Chunk, Ended]


def test_stream_holds_for_event_stream_that_is_fetched():
    assert Feeding()(request(kind="XHR"), response(mime="text/event-stream")).methods == [
        "Network.streamResourceContent"
    ]


# Whole bodies.


def test_body_is_asked_for_at_the_end_and_is_one_chunk():
    feed = Feeding()(request(method="GET"), response(mime="application/json"), data(9))
    assert not feed.commands
    feed(finished())
    assert feed.methods == ["Network.getResponseBody"]
    feed.answer(feed.commands[0], body='{"é":1}', base64Encoded=False)
    assert feed.kinds == [Started, Responded, Chunk, Ended]
    assert feed.body == '{"é":1}'.encode()


def test_body_that_is_empty_gives_no_chunk():
    feed = Feeding()(request(), response(mime="application/octet-stream"), finished())
    feed.answer(feed.commands[0], body="", base64Encoded=False)
    assert feed.kinds == [Started, Responded, Ended]


def test_body_the_browser_does_not_have_is_a_failure():
    feed = Feeding()(request(), response(mime="application/json"), finished())
    feed.refuse(feed.commands[0], "Request content was evicted from inspector cache")
    assert feed.kinds == [Started, Responded, Failed]
    assert "evicted" in feed.events[-1].reason


def test_body_without_charset_is_the_bytes_that_were_sent():
    feed = Feeding()(request(method="GET"), response(mime="text/sveltekit-data"), finished())
    feed.answer(feed.commands[0], body="Ã©ðŸ‘©æ—¥æœ¬", base64Encoded=False)  # as Chromium gives it
    assert feed.body == "é👩日本".encode()


def test_body_of_a_document_is_taken():
    feed = Feeding()(request(method="GET", kind="Document"), response(mime="text/html"), finished())
    assert feed.methods == ["Network.getResponseBody"]


@pytest.mark.parametrize("kind", ["Image", "Script", "Stylesheet", "Font", "Other", "Preflight"])
def test_body_of_other_kinds_is_left_alone(kind):
    feed = Feeding()(request(method="GET", kind=kind), response(mime="image/png"), data(4), finished())
    assert feed.kinds == [Started, Responded, Ended]
    assert not feed.commands


@pytest.mark.parametrize(("method", "status"), [("POST", 204), ("GET", 304), ("HEAD", 200), ("GET", 302)])
def test_body_is_not_asked_for_where_there_is_none(method, status):
    feed = Feeding()(request(method=method), response(status=status, mime="application/json"), finished())
    assert feed.kinds == [Started, Responded, Ended]
    assert not feed.commands


def test_failure_before_a_response_says_why():
    feed = Feeding()(request(), failed(error="net::ERR_CONNECTION_REFUSED"))
    assert feed.kinds == [Started, Failed]
    assert (feed.events[-1].reason, feed.events[-1].canceled) == ("net::ERR_CONNECTION_REFUSED", False)


def test_failure_without_a_text_names_what_blocked_it():
    feed = Feeding()(request(), event("loadingFailed", requestId="1", errorText="", blockedReason="csp"))
    assert feed.events[-1].reason == "blocked: csp"


def test_end_without_a_response_is_a_failure():
    assert Feeding()(request(), finished()).kinds == [Started, Failed]


def test_end_that_is_reported_twice_ends_once():
    feed = Feeding()(request(), response(mime="application/json"), finished(), failed(), finished())
    assert feed.methods == ["Network.getResponseBody"]
    feed.answer(feed.commands[0], body="{}", base64Encoded=False)
    assert feed.kinds == [Started, Responded, Chunk, Ended]


def test_cache_is_reported():
    for cached in (
        [event("requestServedFromCache", requestId="1"), response(mime="application/json")],
        [response(mime="application/json", fromDiskCache=True)],
    ):
        assert Feeding()(request(method="GET"), *cached).events[-1].from_cache
    assert not Feeding()(request(), response()).events[-1].from_cache


# Server-sent events.


def test_sse_messages_come_without_bytes():
    message = event("eventSourceMessageReceived", requestId="1", eventName="sync", eventId="4", data="{}")
    feed = Feeding()(request(kind="EventSource", method="GET"), response(mime="text/event-stream"))
    feed(message, data(20), finished())
    assert feed.kinds == [Started, Responded, SseMessage, Ended]
    sse = feed.events[2]
    assert (sse.event, sse.id, sse.data) == ("sync", "4", "{}")
    assert not feed.commands


# Request bodies.


def test_request_body_is_exact_where_it_is_binary():
    posted: dict[str, Any] = {
        "hasPostData": True,
        "postData": "\0�A",
        "postDataEntries": [{"bytes": b64(b"\0\xff\x80A")}],
    }
    assert Feeding()(request(**posted)).events[0].body == b"\0\xff\x80A"


def test_request_body_of_several_entries_is_put_together():
    entries = [{"bytes": b64(b"ab")}, {"bytes": b64(b"cd")}]
    assert Feeding()(request(hasPostData=True, postDataEntries=entries)).events[0].body == b"abcd"


def test_request_without_a_body_starts_at_once():
    [started] = Feeding()(request(method="GET")).events
    assert (started.body, started.has_body) == (None, False)


def test_request_body_that_is_missing_is_asked_for_and_all_else_waits():
    feed = Feeding()(request(hasPostData=True))
    assert feed.methods == ["Network.getRequestPostData"]
    feed(response()).answer(feed.commands[1], bufferedData=b64(b"ab"))(finished())
    assert not feed.events
    feed.answer(feed.commands[0], postData="é", base64Encoded=False)
    assert feed.kinds == [Started, Responded, Chunk, Ended]
    assert feed.events[0].body == "é".encode()
    assert [each.at for each in feed.events] == [1.0, 2.0, 3.0, 4.0]


def test_request_body_nobody_has_is_none():
    feed = Feeding()(request(hasPostData=True))
    feed.refuse(feed.commands[0], "No post data available for the request")
    assert (feed.events[0].body, feed.events[0].has_body) == (None, True)


def test_request_body_of_a_document_is_never_taken():
    form = request(kind="Document", hasPostData=True, postData="password=hunter2")
    feed = Feeding()(form)
    assert (feed.events[0].body, feed.events[0].has_body) == (None, True)
    assert not feed.commands


# Redirects.


def test_redirect_is_an_exchange_of_its_own():
    hop = make_response(302, "", headers={"Location": "/login"})
    feed = Feeding()(request(url="https://chat.test/a"), request(url="https://chat.test/b", redirect=hop))
    assert feed.kinds == [Started, Responded, Ended, Started]
    first, responded, _, second = feed.events
    assert (responded.status, responded.headers["location"]) == (302, "/login")
    assert (first.exchange_id, second.exchange_id) == ("tab:1", "tab:2")
    feed(response(mime="text/html"))
    assert feed.events[-1].exchange_id == "tab:2"


def test_redirect_to_an_unwanted_address_ends_the_first_hop():
    feed = Feeding(lambda url: url.endswith("/a"))
    feed(
        request(url="https://chat.test/a"), request(url="https://hub.test/b", redirect=make_response(303, ""))
    )
    feed(response(), finished())
    assert feed.kinds == [Started, Responded, Ended]


def test_redirect_waits_for_the_body_of_its_first_hop():
    feed = Feeding()(request(hasPostData=True), request(method="GET", redirect=make_response(302, "")))
    assert [each.exchange_id for each in feed.events] == ["tab:2"]
    feed.answer(feed.commands[0], postData="x", base64Encoded=False)
    assert [(type(each), each.exchange_id) for each in feed.events[1:]] == [
        (Started, "tab:1"),
        (Responded, "tab:1"),
        (Ended, "tab:1"),
    ]


def test_request_made_again_without_a_redirect_fails_the_first():
    feed = Feeding()(request(), request())
    assert feed.kinds == [Started, Failed, Started]


# What is not its business.


def test_unwanted_address_is_ignored_completely():
    feed = Feeding(lambda url: "chat.test" in url)
    feed(
        request(url="https://hub.test/login", hasPostData=True, postData="secret"),
        response(),
        data(1),
        finished(),
    )
    assert not feed.events
    assert not feed.commands


def test_request_from_before_the_tap_is_ignored():
    messages = [
        response(),
        data(1, b"a"),
        event("requestServedFromCache", requestId="1"),
        finished(),
        failed(),
    ]
    message = event("eventSourceMessageReceived", requestId="1", eventName="a", eventId="", data="")
    assert not Feeding()(*messages, message).events


def test_unknown_messages_are_ignored():
    frame = event("webSocketFrameReceived", requestId="1", response={})
    assert not Feeding()(
        frame, {"id": 77, "result": {}}, {"id": 78, "error": {}}, {"method": "Log.entryAdded"}
    ).events


def test_exchange_ids_of_two_taps_do_not_clash():
    for page in ("a", "b"):
        [started] = hand_over(Tap(page, lambda url: True), request(), 0.0)
        assert isinstance(started, Started)
        assert started.exchange_id == f"{page}:1"


# The end of a document, and of the tab.


def test_navigation_fails_what_the_old_document_had_open():
    feed = Feeding()(request("1"), response("1"), request("2", kind="EventSource"), response("2"))
    feed.answer(feed.commands[0], bufferedData="")(data(1, b"a"))
    feed(request("3", kind="Document", loader="M"), response("3", mime="text/html"), navigated("M"))
    over = {each.exchange_id: each for each in feed.events if isinstance(each, Failed)}
    assert set(over) == {"tab:1", "tab:2"}
    assert all(each.canceled for each in over.values())
    seen = len(feed.events)
    feed(data(1, b"b"), finished("1"), failed("2"))
    assert len(feed.events) == seen


def test_navigation_lets_the_exchanges_of_the_new_document_live():
    feed = Feeding()(request("1", loader="M"), navigated("M"), response("1"))
    assert feed.kinds == [Started, Responded]


def test_navigation_of_another_frame_changes_nothing():
    feed = Feeding()(request("1", frame="F"), navigated("M", frame="G", parentId="F"))
    assert feed.kinds == [Started]


def test_navigation_lets_the_next_one_live_that_is_under_way():
    feed = Feeding()(request("1", kind="Document", loader="N"), navigated("M"))
    assert feed.kinds == [Started]
    feed(response("1", mime="text/html"), navigated("O"))
    assert feed.kinds == [Started, Responded, Failed]


def test_navigation_releases_what_waits_for_a_request_body():
    feed = Feeding()(request(hasPostData=True), response(), navigated("M"))
    assert feed.kinds == [Started, Responded, Failed]
    assert feed.events[0].body is None
    feed.answer(feed.commands[0], postData="late", base64Encoded=False)
    feed.answer(feed.commands[1], bufferedData=b64(b"late"))
    assert len(feed.events) == 3


def test_close_fails_every_open_exchange_once():
    feed = Feeding()(
        request("1"), response("1"), request("2", hasPostData=True), response("2", mime="text/html")
    )
    feed(request("3", hasPostData=True), response("3", 204), finished("3"), request("4"), finished("4"))
    feed.close()
    over = check_exchanges(feed.events)
    assert {name: type(each[-1]) for name, each in over.items()} == {
        "tab:1": Failed,
        "tab:2": Failed,
        "tab:3": Ended,
        "tab:4": Failed,
    }
    assert not over["tab:1"][-1].canceled
    count = len(feed.events)
    feed.close()(request("5"), data(1, b"a"), finished("1"))
    assert len(feed.events) == count


def test_exchange_is_forgotten_at_its_end():
    feed = Feeding()
    for number in range(50):
        name = str(number)
        feed(request(name), response(name))
        feed.answer(feed.commands[-1], bufferedData=b64(b"x" * 1000))(finished(name))
        feed(request(name, hasPostData=True), failed(name)).refuse(feed.commands[-1])
    assert not feed.tap._open
    assert not feed.tap._by_request
    assert not feed.tap._answers


# Every order.

pieces = st.lists(st.binary(max_size=4), max_size=5)
scripts = st.lists(
    st.builds(
        Script,
        pieces=pieces,
        breaks=st.booleans(),
        mime=st.sampled_from(["application/jsonl", "application/json"]),
        posts=st.none() | st.binary(max_size=3),
        inline=st.booleans(),
        redirected=st.booleans(),
    ),
    min_size=1,
    max_size=3,
)


def play(scripts, choose):
    """Run the scripts against a tap, what happens next being chosen; returns its events."""
    browser, feed = Browser(scripts), Feeding()
    while True:
        able: list[tuple[str, Any]] = [("step", name) for name in browser.busy()]
        able += [("deliver", None)] * bool(browser.events)
        able += [("carry out", None)] * bool(browser.commands)
        able += [("answer", number) for number in range(len(browser.answers))]
        if not able:
            return feed.events
        deed, which = choose(able)
        seen = len(feed.commands)
        if deed == "step":
            browser.step(which)
        elif deed == "carry out":
            browser.carry_out()
        elif deed == "deliver":
            feed(browser.events.pop(0))
        else:
            feed(browser.answers.pop(which))
        browser.commands += feed.commands[seen:]


@settings(max_examples=300)
@given(scripts, st.data())
def test_no_byte_is_lost_or_doubled_in_any_order(scripts, drawn):
    events = play(scripts, lambda able: drawn.draw(st.sampled_from(able)))
    over = check_exchanges(events)
    assert len(over) == len(scripts) + sum(script.redirected for script in scripts)
    for number, script in enumerate(scripts):
        mine = [each for each in over.values() if each[0].url.split("/")[3] == str(number)]
        first, last = mine[0], mine[-1]
        if script.redirected:
            first, last = sorted(mine, key=lambda each: each[0].url)
            assert [type(each) for each in first] == [Started, Responded, Ended]
        assert first[0].body == script.posts
        whole = b"".join(script.pieces)
        body = b"".join(each.data for each in last if isinstance(each, Chunk))
        if script.breaks:
            assert isinstance(last[-1], Failed)
            assert whole.startswith(body)
        else:
            assert isinstance(last[-1], Ended)
            assert body == whole
