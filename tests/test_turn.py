"""A turn at its edges: which run a stored end belongs to, and when it is too late."""

import asyncio
import json
import time
from typing import Any

import msgspec
import pytest

from huggingchat_agent.errors import (
    BrowserTimeout,
    ChatError,
    SessionRejected,
    SiteError,
    StreamBroken,
    UsageError,
)
from huggingchat_agent.exchange import Chunk, Ended, Failed, Responded, Started
from huggingchat_agent.setting_values import Deadlines
from huggingchat_agent.traffic.traffic import Traffic
from huggingchat_agent.turn import stored, turn
from huggingchat_agent.turn.tracker import Claim, TurnTracker
from huggingchat_agent.wire import requests
from huggingchat_agent.wire.lines import LONGEST
from tests.wire.forms import encode_form

GENERATION = "6f1c0c0e-7f0b-4d29-9c5b-0d6f3b1e2a11"
ASKED = {"type": "elicitation", "subtype": "request", "request": {"elicitationId": "e", "message": "Who?"}}
AGAIN = {"type": "elicitation", "subtype": "request", "request": {"elicitationId": "f", "message": "Why?"}}
SETTLED = {"type": "elicitation", "subtype": "resolved", "elicitationId": "e", "action": "accept"}
FINISHED = {"type": "status", "status": "finished"}
STARTED = {"type": "status", "status": "started"}
PARKED = [STARTED, ASKED, FINISHED]


def token(text):
    return {"type": "stream", "token": text}


def final(text):
    return {"type": "finalAnswer", "text": text, "interrupted": False}


@pytest.fixture(autouse=True)
def page_that_reads_nothing(monkeypatch):
    """No page stands behind these turns, so none reads the conversation after them."""
    monkeypatch.setattr(turn, "REFETCH_PATIENCE", 0.0)


class App:
    """An app that has stored, at each look, what the test says; or it fails, or with None says nothing."""

    base_path = "/chat"
    deadlines = Deadlines()
    recovers = False

    def __init__(self, *looks):
        self.looks = list(looks)
        self.asked = 0
        self.retries: list[Any] = []

    def note(self, event):
        self.retries.append(event)

    def shows(self, page_id):
        return True

    async def open_stream(self, request, key):
        raise UsageError("There are no streams here.")

    async def abort_stream(self, key):
        pass

    async def drop_stream(self, page_id, conversation_id, key):
        pass

    def note_means(self, means):
        pass

    def explain(self, error):
        pass

    async def save_report(self, error, page_id=""):
        pass

    async def ask(self, request, *, conversation_id=""):
        self.asked += 1
        look = self.looks.pop(0)
        if isinstance(look, Exception):
            raise look
        if look is None:
            await asyncio.Event().wait()
        content, updates = look
        message = {"id": "a", "from": "assistant", "ancestors": ["r", "u"], "content": content}
        message |= {"generationId": GENERATION, "updates": updates}
        others = [{"id": "r", "from": "system", "children": ["u"]}]
        others.append({"id": "u", "from": "user", "ancestors": ["r"], "children": ["a"], "content": "hello"})
        return json.dumps(
            {"json": {"id": "c", "rootMessageId": "r", "messages": [*others, message]}}
        ).encode()


def exchange(*lines, at=None, number=1):
    """What the wire shows of a post that takes up a parked answer, and of these lines in return."""
    call = requests.send_message("c", None, "a", GENERATION, timezone="UTC", resume_elicitation_id="e")
    headers = {"content-type": "multipart/form-data; boundary=b"}
    body = encode_form(call.form or [], "b")
    common: dict[str, Any] = {"exchange_id": str(number), "page": "p", "at": at or time.monotonic()}
    url = f"https://chat.test/chat{call.path}"
    yield Started(**common, method="POST", url=url, kind="fetch", headers=headers, body=body)
    yield Responded(**common, status=200, mime="application/jsonl", headers={}, protocol="h2")
    yield Chunk(**common, data=b"".join(json.dumps(each).encode() + b"\n" for each in lines))
    yield Ended(**common)


async def resume(app, *lines, at=None):
    """The turn that takes up a parked answer, when its stream has said these lines."""
    born = []
    tracker, traffic = TurnTracker(app, lambda turn, event: born.append(turn)), Traffic(app.base_path)
    traffic.read(tracker.follow)
    for event in exchange(*lines, at=at):
        traffic.put(event)
    await traffic.wait_until_settled()
    async with asyncio.timeout(20):
        await born[0].done.wait()
    await traffic.close()
    await tracker.close()
    return born[0]


async def test_end_of_a_parked_answer_is_not_the_end_of_its_rest():
    rest = [SETTLED, STARTED, token("So: Ada"), final("So: Ada"), FINISHED]
    app = App(
        ("Wait. ", PARKED),
        ("Wait. ", [*PARKED, SETTLED, STARTED]),
        ("Wait. So: Ada", [*PARKED, *rest]),
    )
    turn = await resume(app, *rest)
    assert turn.answer.content == "Wait. So: Ada"
    assert (turn.answer.finish_reason, turn.answer.message_id) == ("stop", "a")
    assert app.looks == []


async def test_end_of_a_parked_answer_is_not_the_end_of_one_that_parks_again():
    rest = [SETTLED, AGAIN, FINISHED]
    app = App(("Wait. ", PARKED), ("Wait. ", [*PARKED, *rest]))
    turn = await resume(app, *rest)
    assert turn.answer.finish_reason == "elicitation"
    assert app.looks == []


async def test_rest_of_an_answer_whose_question_was_not_settled_has_its_end():
    rest = [STARTED, token("No tool."), final("No tool."), FINISHED]
    turn = await resume(App(("Wait. No tool.", [*PARKED, *rest])), *rest)
    assert turn.answer.text == "Wait. No tool."


async def test_answer_that_is_complete_is_not_too_late():
    long_ago = time.monotonic() - 10_000.0
    rest = [SETTLED, STARTED, token("So: Ada"), final("So: Ada"), FINISHED]
    turn = await resume(App(("Wait. So: Ada", [*PARKED, *rest])), *rest, at=long_ago)
    assert turn.answer.content == "Wait. So: Ada"


WHOLE = [SETTLED, STARTED, token("So: Ada"), final("So: Ada"), FINISHED]


@pytest.mark.parametrize(
    "failure",
    [
        ChatError("The app refused the request (404).", status=404),
        ChatError("The app refused the request (403).", status=403),
        SessionRejected("The app no longer knows this session."),
        BrowserTimeout("The page did not answer."),
        UsageError("This HuggingChat is closed."),
    ],
    ids=lambda error: type(error).__name__ + str(getattr(error, "status", "")),
)
async def test_answer_whose_ids_cannot_be_read_any_more_is_not_asked_for_again(failure):
    app = App(failure)
    turn = await resume(app, *WHOLE)
    assert (turn.answer.text, turn.answer.message_id) == ("So: Ada", "")
    assert app.asked == 1


async def test_answer_is_read_again_after_a_bad_moment_of_the_app(monkeypatch):
    monkeypatch.setattr(stored, "READ_PAUSE", 0.0)
    busy = ChatError("The request failed (503).", status=503)
    app = App(SiteError("It did not answer."), busy, ("Wait. So: Ada", [*PARKED, *WHOLE]))
    turn = await resume(app, *WHOLE)
    assert (turn.answer.content, turn.answer.message_id) == ("Wait. So: Ada", "a")


async def test_chat_that_was_closed_in_an_answer_is_not_advised_to_be_opened(caplog):
    turn = await resume(App(UsageError("This HuggingChat is closed. Open a new one.")), *WHOLE)
    assert turn.answer.text == "So: Ada"
    assert caplog.records == []


async def test_answer_is_there_although_the_app_says_nothing_any_more(monkeypatch):
    monkeypatch.setattr(stored, "READ_PATIENCE", 0.1)
    turn = await resume(App(None), *WHOLE)
    assert (turn.answer.text, turn.answer.message_id) == ("So: Ada", "")


def test_turns_are_followed_after_a_handler_ended_the_program_but_not_the_loop():
    """As in a notebook: the interrupt ends the cell, and the next one runs in the same loop."""
    app = App(*[("Wait. So: Ada", [*PARKED, *WHOLE])] * 2)
    born = []

    def publish(turn, event):
        if turn not in born:
            born.append(turn)
            if len(born) == 1:
                raise KeyboardInterrupt

    tracker, traffic = TurnTracker(app, publish), Traffic(app.base_path)
    traffic.read(tracker.follow)

    async def send(number):
        for event in exchange(*WHOLE, number=number):
            traffic.put(event)
        await traffic.wait_until_settled()

    with asyncio.Runner() as notebook:
        with pytest.raises(KeyboardInterrupt):
            notebook.run(send(1))
        notebook.run(send(2))
        assert [turn.number for turn in born] == [1, 2]
        notebook.run(traffic.close())
        notebook.run(tracker.close())
    assert [turn.answer.content for turn in born] == ["Wait. So: Ada"] * 2


class Slow(App):
    """Has what is left when the deadlines are over: a run that was stopped, or that cannot be."""

    deadlines = Deadlines(first_update=0.3, idle=0.3, total=30)

    def __init__(self, *looks, stops=True):
        super().__init__(*looks)
        self.stops = stops

    async def ask(self, request, *, conversation_id=""):
        if request.method != "POST":
            return await super().ask(request)
        if not self.stops:
            raise SiteError("It did not answer.")
        return b""


async def play(app, events, handler=lambda event: None):
    """The turn of these exchange events, of which a number is a pause in seconds."""
    born = []

    def publish(turn, event):
        born.append(turn)
        handler(event)

    tracker, traffic = TurnTracker(app, publish), Traffic(app.base_path)
    traffic.read(tracker.follow)
    for event in events:
        if isinstance(event, float):
            await asyncio.sleep(event)
        else:
            traffic.put(event)
            await traffic.wait_until_settled()
    async with asyncio.timeout(20):
        await born[0].done.wait()
    await traffic.close()
    await tracker.close()
    return born[0]


async def test_handler_that_blocks_longer_than_the_idle_deadline_ends_nothing():
    def handler(event):
        if event.name == "token":
            time.sleep(0.9)

    started, responded, first, end = exchange(SETTLED, STARTED, token("So: "))
    _, _, rest, _ = exchange(token("Ada"), final("So: Ada"), FINISHED)
    app = Slow(("Wait. So: Ada", [*PARKED, *WHOLE]))
    # The rest arrived meanwhile, and takes a moment on its way through driver and loop.
    turn = await play(app, [started, responded, first, 0.05, rest, end], handler)
    assert turn.error is None
    assert turn.answer.content == "Wait. So: Ada"


@pytest.mark.parametrize(
    ("stops", "says"), [(True, "so the agent stopped the run."), (False, "The run could not be stopped.")]
)
async def test_deadline_says_that_the_run_was_stopped_only_where_it_was(stops, says):
    *begun, _ = exchange(SETTLED, STARTED, token("So: "))
    turn = await play(Slow(*[("Wait. ", PARKED)] * 4, stops=stops), begun)
    assert turn.error.message.endswith(f"idle deadline of 0.3 s{', ' if stops else '. '}{says}")
    assert turn.error.partial == "So: "


async def test_deadline_behind_a_proxy_that_holds_everything_back_looks_at_what_the_app_has():
    stored = ("Wait. So: Ada", [*PARKED, SETTLED, STARTED, token("So: Ada"), final("So: Ada"), FINISHED])
    started, *_ = exchange()
    turn = await play(Slow(stored), [started])
    assert "not even signs of life" in turn.error.message
    assert turn.error.partial == "Wait. So: Ada"


async def test_turn_knows_what_was_posted_where_the_browser_does_not():
    begun, *rest = exchange(*WHOLE)
    app = App(("Wait. So: Ada", [*PARKED, *WHOLE]))
    tracker, traffic = TurnTracker(app, lambda turn, event: None), Traffic(app.base_path)
    traffic.read(tracker.follow)
    fields = {"id": "a", "resumeElicitationId": "e"}
    claim = Claim(tracker, page_id="p", conversation_id="c", via="ui", listener=None, request=fields)
    for event in (msgspec.structs.replace(begun, body=None), *rest):
        traffic.put(event)
    turn = await claim.turn
    await turn.done.wait()
    await traffic.close()
    await tracker.close()
    assert (turn.request, turn.generation_id) == (fields, None)
    assert turn.answer is not None and turn.answer.message_id == "a"


async def test_stopped_run_is_waited_for_although_its_stream_is_gone_before_the_drop_returns(monkeypatch):
    """Apps of 2025 store a run that was stopped some seconds after its stream is gone."""
    monkeypatch.setattr(stored, "READ_PAUSE", 0.0)
    started, responded, first, _ = exchange(SETTLED, STARTED, token("So: "))
    end = [*PARKED, SETTLED, STARTED, final("So: ")]
    app = Slow(*[("Wait. ", PARKED)] * (stored.READS + 1), ("Wait. So: ", end))
    born: list[Any] = []
    tracker, traffic = TurnTracker(app, lambda turn, event: born.append(turn)), Traffic(app.base_path)
    traffic.read(tracker.follow)
    tracker.stop_patience = 0.01

    async def drop_stream(page_id, conversation_id, key):
        common: dict[str, Any] = {"exchange_id": "1", "page": "p", "at": time.monotonic()}
        traffic.put(Failed(**common, reason="the tab was closed", canceled=True))
        await traffic.wait_until_settled()
        await asyncio.sleep(0.05)

    monkeypatch.setattr(app, "drop_stream", drop_stream)
    for event in (started, responded, first):
        traffic.put(event)
    await traffic.wait_until_settled()
    async with asyncio.timeout(20):
        await born[0].stop()
    await traffic.close()
    await tracker.close()
    assert born[0].error is None
    assert (born[0].answer.content, app.looks) == ("Wait. So: ", [])


async def test_line_that_is_too_long_is_an_error_that_says_so():
    started, responded, first, _ = exchange(SETTLED, STARTED, token("So: "))
    common: dict[str, Any] = {"exchange_id": "1", "page": "p", "at": time.monotonic()}
    part = b"x" * (LONGEST * 3 // 5)
    flood = [Chunk(**common, data=part), Chunk(**common, data=part)]
    app = App(("Wait. ", PARKED))
    app.recovers = True
    turn = await play(app, [started, responded, first, *flood])
    assert isinstance(turn.error, StreamBroken)
    assert f"longer than {LONGEST:,} bytes" in turn.error.message
    assert turn.error.partial == "So: "


async def test_message_that_is_too_large_is_no_file_that_was_refused():
    started, responded, *_ = exchange()
    refusal = msgspec.structs.replace(responded, status=413, mime="text/plain")
    _, _, _, end = exchange()
    turn = await play(App(), [started, refusal, end])
    assert type(turn.error) is ChatError
    assert "too large" in turn.error.message
