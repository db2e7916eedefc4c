"""Any text of an app in a request or a response: the tap takes it, and every exchange ends."""

from base64 import b64encode
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from huggingchat_agent.exchange import Chunk, Ended, Failed, SseMessage, Started
from huggingchat_agent.wire.tap import Command, Tap
from tests.wire import cdp

# JSON of the browser can hold half a character, which no encoding has.
any_text = st.text(st.characters(exclude_categories=()), max_size=8)
CHARSETS = ("", "utf-8", "windows-1252", "utf-16", "utf-7", "idna", "punycode", "undefined", "hex", "a\0b")
MIMES = ("application/jsonl", "text/event-stream", "application/json", "text/html", "text/plain")
headers = st.dictionaries(any_text | st.just("Content-Type"), any_text, max_size=3)
bodies = st.fixed_dictionaries({}, optional={"postData": any_text, "hasPostData": st.booleans()})
heads = st.fixed_dictionaries(
    {
        "status": st.integers(),
        "mimeType": st.sampled_from(MIMES) | any_text,
        "charset": st.sampled_from(CHARSETS) | any_text,
        "headers": headers,
        "protocol": any_text,
    }
)
requests = st.builds(
    lambda url, method, head, body, kind: cdp.event(
        "requestWillBeSent",
        requestId="1",
        request={"url": url, "method": method, "headers": head, **body},
        type=kind,
        frameId="F",
        loaderId="L",
    ),
    any_text,
    st.sampled_from(("GET", "POST")) | any_text,
    headers,
    bodies,
    st.sampled_from(("Fetch", "Document", "EventSource")) | any_text,
)
events = st.lists(
    st.builds(lambda head: cdp.event("responseReceived", requestId="1", response=head), heads)
    | st.builds(lambda content: cdp.data(len(content), content), st.binary(max_size=9))
    | st.builds(
        lambda name, last, said: cdp.event(
            "eventSourceMessageReceived", requestId="1", eventName=name, eventId=last, data=said
        ),
        any_text,
        any_text,
        any_text,
    )
    | requests,
    max_size=6,
)
ends = st.just(cdp.finished()) | st.builds(lambda why: cdp.failed(error=why), any_text)


def answer(command: Command, text: str, content: bytes) -> dict[str, Any]:
    """What the browser says to a command of the tap."""
    if command.method == "Network.streamResourceContent":
        return {"bufferedData": b64encode(content).decode()}
    return {"postData": text, "body": text, "base64Encoded": False}


@settings(max_examples=300)
@given(requests, events, ends, st.lists(st.tuples(any_text, st.binary(max_size=9), st.booleans())))
def test_tap_takes_any_text(first, between, end, answers):
    tap = Tap("page", lambda url: True)
    out: list[Any] = []
    said = iter(answers)
    for each in (first, *between, end):
        out += tap.take_event(each["method"], each["params"], 0.0)
        for command in [each for each in out if isinstance(each, Command) and each.id in tap._answers]:
            text, content, refused = next(said, ("", b"", False))
            result = None if refused else answer(command, text, content)
            out += tap.take_answer(command.id, result, "No.", 0.0)
    out += tap.close(0.0)
    exchanges = [each for each in out if not isinstance(each, Command)]
    begun = [each.exchange_id for each in exchanges if isinstance(each, Started)]
    over = [each.exchange_id for each in exchanges if isinstance(each, Ended | Failed)]
    assert sorted(begun) == sorted(over) == sorted(set(begun))
    assert all(each.data for each in exchanges if isinstance(each, Chunk))
    assert all(each.exchange_id in begun for each in exchanges if isinstance(each, SseMessage))
