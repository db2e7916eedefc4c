"""What a turn does when its stream breaks: reattach, read, or fail. The streams are written out here."""

import asyncio
import json
import time
from typing import Any

import msgspec
import pytest

from huggingchat_agent.chat import outcome
from huggingchat_agent.errors import BrowserClosed, ChatError, SiteError, StreamBroken, TapeMismatch
from huggingchat_agent.exchange import Chunk, Ended, Failed, Responded, Started
from huggingchat_agent.traffic.traffic import Traffic
from huggingchat_agent.turn import recovery
from huggingchat_agent.turn.tracker import Claim, TurnTracker
from huggingchat_agent.wire import requests, retry_rules
from tests.test_turn import FINISHED, GENERATION, STARTED, App, final, token
from tests.wire.forms import encode_form

TITLE = {"type": "title", "title": "A title"}
FULL = [STARTED, TITLE, token("one two three"), final("one two three"), FINISHED]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(recovery, "HEAD_START", 0.01)
    quick_rule = msgspec.structs.replace(retry_rules.TAKING_UP, pause=0.01, longest=0.01)
    monkeypatch.setattr(recovery, "TAKING_UP", quick_rule)
    monkeypatch.setattr(recovery, "QUIET", 0.2)
    monkeypatch.setattr(recovery, "PATIENCE", 0.5)


def make_stored(content, *updates, **fields):
    written = [
        {**each, "token": "", "len": len(each["token"])} if "token" in each else each for each in updates
    ]
    return content, written, fields


class Recovering(App):
    """Has these answers to reattaching, one after the other, and these looks of the conversation.

    An answer is a status, an error, or a list of updates with their numbers; None breaks off in the middle.
    """

    recovers = True

    def __init__(self, answers, *looks):
        super().__init__(*looks)
        self.answers = list(answers)
        self.opened: list[str] = []
        self.aborted: list[str] = []
        self.traffic = Traffic(self.base_path)

    async def ask(self, request, *, conversation_id=""):
        look = self.looks[0]
        if isinstance(look, Exception):
            return await super().ask(request)
        self.looks = self.looks[1:] or self.looks
        content, updates, fields = look
        message = {"id": "a", "from": "assistant", "ancestors": ["r", "u"], "content": content}
        message |= {"generationId": GENERATION, "updates": updates, **fields}
        others = [{"id": "r", "from": "system", "children": ["u"]}]
        others.append({"id": "u", "from": "user", "ancestors": ["r"], "children": ["a"], "content": "hello"})
        whole = {"id": "c", "rootMessageId": "r", "messages": [*others, message]}
        return json.dumps({"json": whole}).encode()

    async def open_stream(self, request, key):
        self.opened.append(request.path)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        for event in make_reattached(request.path, answer, number=len(self.opened) + 1):
            self.traffic.put(event)

    async def abort_stream(self, key):
        self.aborted.append(key)


def make_common(number) -> dict[str, Any]:
    return {"exchange_id": str(number), "page": "p", "at": time.monotonic()}


def make_reattached(path, answer, number):
    here = make_common(number)
    yield Started(**here, method="GET", url=f"https://chat.test/chat{path}", kind="fetch", headers={})
    if isinstance(answer, int):
        yield Responded(**here, status=answer, mime="text/plain", headers={}, protocol="h2")
        yield Ended(**here)
        return
    yield Responded(**here, status=200, mime="text/event-stream", headers={}, protocol="h2")
    for number, update in answer:
        if update is None:
            yield Chunk(**here, data=f'id: {number}\nevent: update\ndata: {{"type'.encode())
            yield Failed(**here, reason="net::ERR_CONNECTION_RESET")
        elif isinstance(update, str):
            yield Chunk(**here, data=f'event: end\ndata: {{"status":"{update}"}}\n\n'.encode())
            yield Ended(**here)
        else:
            yield Chunk(**here, data=f": heartbeat\n\nid: {number}\nevent: update\n".encode())
            yield Chunk(**here, data=f"data: {json.dumps(update)}\n\n".encode())


async def run_broken(app, *lines):
    """The turn whose stream broke behind these lines, when it is over, and its events."""
    found: list[Any] = []
    born: list[Any] = []

    def publish(turn, event):
        born.append(turn)
        found.append(event)

    tracker = TurnTracker(app, publish)
    app.traffic.read(tracker.follow)
    call = requests.send_message("c", "hello", "r", GENERATION, timezone="UTC")
    body = encode_form(call.form or [], "b")
    here = make_common(1)
    headers = {"content-type": "multipart/form-data; boundary=b"}
    url = f"https://chat.test/chat{call.path}"
    app.traffic.put(Started(**here, method="POST", url=url, kind="fetch", headers=headers, body=body))
    app.traffic.put(Responded(**here, status=200, mime="application/jsonl", headers={}, protocol="h2"))
    app.traffic.put(Chunk(**here, data=b"".join(json.dumps(each).encode() + b"\n" for each in lines)))
    app.traffic.put(Failed(**here, reason="net::ERR_CONNECTION_RESET"))
    await app.traffic.wait_until_settled()
    async with asyncio.timeout(20):
        await born[0].done.wait()
    await app.traffic.close()
    await tracker.close()
    return born[0], found


def join_text(found):
    return "".join(each.text for each in found if each.name == "token")


def list_means(found):
    return [each.means for each in found if each.name == "recovered"]


WHOLE = make_stored("one two three", *FULL)
REST = [(1, STARTED), (2, TITLE), (3, token("one two ")), (7, token("three")), (8, final("one two three"))]
END = [(9, FINISHED), (9, "completed")]


@pytest.mark.parametrize("count", range(4))
async def test_rest_comes_by_the_reattached_stream(count):
    lines = [STARTED, TITLE, token("one"), token(" two th")][:count]
    app = Recovering([[*REST, *END]], WHOLE)
    turn, found = await run_broken(app, *lines)
    assert turn.answer.text == join_text(found) == "one two three"
    assert [each.name for each in found].count("title") == 1
    assert list_means(found) == ["reattach"]
    assert app.opened == [f"/conversation/c/stream?generationId={GENERATION}&fromSeq=0"]
    seqs = [each.seq for each in found]
    assert seqs == list(range(1, len(seqs) + 1))


async def test_reattached_stream_that_breaks_goes_on_behind_its_last_line():
    app = Recovering([[*REST[:3], (7, None)], [], [*REST[3:], *END]], WHOLE)
    app.answers[1] = [(7, None)]
    turn, found = await run_broken(app, STARTED, token("one t"))
    assert turn.answer.text == join_text(found) == "one two three"
    assert [each.rpartition("=")[2] for each in app.opened] == ["0", "3", "3"]


@pytest.mark.parametrize("answer", [404, 405, 302, [(0, "gone")]], ids=str)
async def test_app_without_reattached_streams_is_read(answer):
    looks = [
        make_stored("", STARTED),
        make_stored("one tw", STARTED, TITLE, token("one"), token(" tw")),
        WHOLE,
    ]
    turn, found = await run_broken(Recovering([answer], *looks), STARTED, token("one"))
    assert turn.answer.text == join_text(found) == "one two three"
    assert list_means(found) == ["read"]


async def test_stream_that_a_proxy_holds_back_is_dropped_and_read():
    app = Recovering([[]], WHOLE)
    turn, found = await run_broken(app, STARTED, token("one"))
    assert turn.answer.text == join_text(found) == "one two three"
    assert len(app.aborted) == 1
    assert list_means(found) == ["read"]


@pytest.mark.parametrize(
    "trouble", [503, SiteError("The network is off."), BrowserClosed("Killed.")], ids=repr
)
async def test_moment_of_trouble_is_waited_for(trouble):
    app = Recovering([trouble, [*REST, *END]], WHOLE)
    turn, found = await run_broken(app, STARTED, token("one"))
    assert turn.answer.text == join_text(found) == "one two three"
    for retry in app.retries:
        assert (retry.request, retry.attempt) == ("GET /conversation/{conversation_id}/stream", 2)
        assert retry.reason == str(trouble)
    assert len(app.retries) == isinstance(trouble, Exception)


async def test_run_that_the_app_has_lost_is_an_error_with_the_text_that_it_has():
    app = Recovering(
        [[*REST[:3], (3, "interrupted")]],
        make_stored("one two ", STARTED, token("one two "), interrupted=True),
    )
    turn, found = await run_broken(app, STARTED, token("one"))
    assert isinstance(turn.error, StreamBroken)
    assert "the app has lost the run (interrupted)" in turn.error.message
    assert turn.error.partial == join_text(found) == "one two "


async def test_run_that_failed_is_the_error_that_the_app_gives():
    error = {"type": "status", "status": "error", "message": "Overloaded"}
    turn, _ = await run_broken(Recovering([[*REST[:2], (3, error), (3, "error")]], WHOLE), STARTED)
    assert "Overloaded" in turn.error.message


async def test_run_that_stands_still_is_an_error_that_says_for_how_long():
    half = make_stored("one two", STARTED, token("one two"))
    turn, found = await run_broken(Recovering([404], half), STARTED, token("one"))
    assert isinstance(turn.error, StreamBroken)
    assert "nothing more for 0.5 s" in turn.error.message
    assert turn.error.partial == join_text(found) == "one two"


async def test_conversation_that_is_not_there_any_more_is_an_error_at_once():
    gone = ChatError("This account has no such conversation.", status=404)
    turn, _ = await run_broken(Recovering([404], gone, gone), STARTED, token("one"))
    assert isinstance(turn.error, StreamBroken)
    assert "no such conversation" in turn.error.message
    assert turn.error.partial == "one"


async def test_what_is_not_on_a_tape_is_not_waited_for():
    app = Recovering([TapeMismatch("It is not on the tape.")], WHOLE)
    turn, found = await run_broken(app, STARTED, token("one"))
    assert isinstance(turn.error, StreamBroken)
    assert list_means(found) == []


REQUEST = {"id": "r", "inputs": "hello", "is_retry": False}


async def adopted(app, request):
    """The turn of a message that nobody saw leave, if the app has it, after its end; and its events."""
    found: list[Any] = []
    tracker = TurnTracker(app, lambda turn, event: found.append(event))
    app.traffic.read(tracker.follow)
    claim = Claim(tracker, page_id="p", conversation_id="c", via="ui", listener=found.append)
    turn = await outcome.find_turn(app, tracker, claim, request, {"r"})
    if turn is not None:
        async with asyncio.timeout(20):
            await turn.done.wait()
    await app.traffic.close()
    await tracker.close()
    return turn, found


@pytest.mark.parametrize(
    "request_fields", [REQUEST, {**REQUEST, "generationId": GENERATION}], ids=["ui", "page"]
)
async def test_message_that_nobody_saw_leave_is_followed_if_the_app_has_it(request_fields):
    app = Recovering([[*REST, *END]], WHOLE)
    turn, found = await adopted(app, request_fields)
    assert turn.answer.text == join_text(found) == "one two three"
    assert turn.generation_id == GENERATION
    assert [each.name for each in found][:2] == ["started", "recovering"]


async def test_message_that_the_app_does_not_have_has_no_turn(monkeypatch):
    monkeypatch.setattr(outcome, "PAUSE", 0.01)
    other = {**REQUEST, "inputs": "something else"}
    assert await adopted(Recovering([], WHOLE), other) == (None, [])


async def test_message_of_which_nobody_knows_is_an_error_that_says_so():
    lost = SiteError("The network is off.")
    with pytest.raises(BrowserClosed, match=r"may have reached the app.*The network is off"):
        await adopted(Recovering([], lost), REQUEST)
