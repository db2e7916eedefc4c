"""What the app says instead of an answer, or in the middle of one: the right error, and how it goes on."""

import html
import itertools
import json
from typing import Any

import pytest

from huggingchat_agent import errors

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


def json_message(sentence):
    return "application/json", json.dumps({"message": sentence})


def json_error(sentence):
    return "application/json", json.dumps({"error": sentence})


def plain(sentence):
    return "text/plain", sentence


def page(sentence):
    return "text/html", f"<!doctype html><title>Error</title><h1>Error</h1><p>{html.escape(sentence)}</p>"


KINDS = {kind.__name__: kind for kind in (json_message, json_error, plain, page)}

MINUTE = "You are sending too many messages. Try again later."
FULL = "This conversation has more than 100 messages. Start a new one to continue"
SIGNED_OUT = "You have to be logged in."

# Status, sentence, error, and the kind of body and the way to send that the default run takes of them.
REFUSALS = [
    (400, "Invalid request", errors.GenerationFailed, "json_message", "page"),
    (400, "Message too long.", errors.GenerationFailed, "page", "ui"),
    (404, "Conversation not found", errors.ChatError, "json_message", "page"),
    (404, "Message not found", errors.ChatError, "plain", "page"),
    (410, "Model not available anymore", errors.UnknownModel, "json_message", "page"),
    (413, "What was sent is too large", errors.ChatError, "page", "page"),
    (429, MINUTE, errors.RateLimited, "json_error", "page"),
    (429, FULL, errors.ConversationTooLong, "json_message", "ui"),
    (500, "An error occurred", errors.GenerationFailed, "json_message", "page"),
    (502, "Bad Gateway", errors.GenerationFailed, "page", "page"),
]


def pytest_generate_tests(metafunc):
    """All of them in every way with --soak, each of them in one way without."""
    soak = metafunc.config.getoption("--soak")
    if "kind" in metafunc.fixturenames and "status" in metafunc.fixturenames:
        rows = [
            (*each[:3], kind, via)
            for each in REFUSALS
            for kind, via in itertools.product(KINDS, ("ui", "page"))
            if soak or (kind, via) == each[3:]
        ]
        metafunc.parametrize(("status", "sentence", "error", "kind", "way"), rows, indirect=["way"])
    elif "more" in metafunc.fixturenames:
        lines = [(*each[:4], via) for each in IN_BAND for via in ("ui", "page") if soak or via == each[4]]
        metafunc.parametrize(("prompt", "error", "sentence", "more", "way"), lines, indirect=["way"])


@pytest.fixture
def way(request, site):
    """As `via`, but given by the test's row."""
    site.control.switch(require_trusted_input=request.param == "ui")
    yield request.param
    site.control.switch(require_trusted_input=False)


def refuse(site, conversation, status, kind, sentence, *, times=1, **headers):
    content_type, body = KINDS[kind](sentence)
    site.control.answer_next(
        rf"/conversation/{conversation.id}$",
        status,
        body,
        method="POST",
        content_type=content_type,
        headers=headers,
        times=times,
    )


async def expect_refusal(conversation, prompt, via, error):
    reply = conversation.send(prompt, via=via)
    with pytest.raises(error) as caught:
        await reply
    assert type(caught.value) is error
    assert reply.events[-1].name == "failed"
    assert (reply.events[-1].error, reply.events[-1].message) == (error.__name__, caught.value.message)
    return caught.value


async def goes_on(conversation, site, via):
    """The conversation takes messages again, by the way that met the error and by the other."""
    for way in (via, "page" if via == "ui" else "ui"):
        site.control.switch(require_trusted_input=way == "ui")
        answer = await conversation.send(f"still there by {way}", via=way)
        assert answer.text.startswith(f"You said: still there by {way}")
        assert answer.via == way
    messages = site.control.conversation(conversation.id)["messages"]
    assert all(len(message["children"]) < 2 for message in messages)


@pytest.mark.soak
async def test_refusal_before_the_stream_is_its_error_and_nothing_is_lost(
    chat, site, way, status, sentence, error, kind
):
    conversation = await chat.new_conversation()
    refuse(site, conversation, status, kind, sentence)
    caught = await expect_refusal(conversation, "hello", way, error)
    assert sentence in str(caught)
    assert (caught.conversation_id, caught.partial) == (conversation.id, "")
    await goes_on(conversation, site, way)


@pytest.mark.parametrize("kind", ["json_error", "page"])
async def test_session_refused_again_after_a_new_sign_in_says_so(chat, site, via, kind):
    await chat.login()  # a session that was just proved is signed in again once
    conversation = await chat.new_conversation()
    refuse(site, conversation, 401, kind, SIGNED_OUT, times=2)
    caught = await expect_refusal(conversation, "hello", via, errors.SessionRejected)
    if via == "page":  # by ui the page may leave for the sign-in before the body can be taken off the wire
        assert SIGNED_OUT in str(caught)
    await goes_on(conversation, site, via)


@pytest.mark.parametrize("wait", ["17", None])
async def test_rate_limit_before_the_stream_carries_the_wait(chat, site, via, wait):
    conversation = await chat.new_conversation()
    refuse(site, conversation, 429, "json_message", MINUTE, **({"retry-after": wait} if wait else {}))
    caught = await expect_refusal(conversation, "hello", via, errors.RateLimited)
    assert caught.retry_after == (float(wait) if wait else None)


NO_OUTPUT = "No output was generated. Something went wrong."
PLEASE_WAIT = "Rate limit reached. Please try again in 12.5s."
# The prompt, the error, what it says, its attributes, and the way to send that the default run takes.
IN_BAND: list[tuple[str, Any, str, dict[str, Any], str]] = [
    ("fail 402 after 3 saying Credits used up", errors.CreditsExhausted, "Credits used up", {}, "ui"),
    ("fail 500 after 2", errors.GenerationFailed, "500 upstream failure", {"status": 500}, "page"),
    ("fail 401 saying Bad key", errors.GenerationFailed, "Bad key", {"status": 401}, "page"),
    (
        f"fail 429 after 1 saying {PLEASE_WAIT}",
        errors.RateLimited,
        PLEASE_WAIT,
        {"retry_after": 12.5},
        "page",
    ),
    (
        "fail 0 saying Model is overloaded",
        errors.RateLimited,
        "Model is overloaded",
        {"retry_after": None},
        "page",
    ),
    ("say nothing", errors.GenerationFailed, NO_OUTPUT, {"status": None}, "ui"),
    ("die 5", errors.GenerationFailed, "terminated", {}, "page"),
]


@pytest.mark.soak
async def test_error_within_the_stream_keeps_the_text_and_the_conversation_goes_on(
    chat, site, raw, way, prompt, error, sentence, more
):
    conversation = await chat.new_conversation()
    caught = await expect_refusal(conversation, prompt, way, error)
    assert sentence in str(caught)
    assert {name: getattr(caught, name) for name in more} == more
    assert caught.conversation_id == conversation.id
    # The partial text is what the server kept of the answer.
    stored = (await raw.read(conversation.id))["messages"][-1]
    assert caught.partial == stored["content"]
    assert caught.partial.startswith("tok0 ") == ("after" in prompt or "die" in prompt)
    # A page takes no message after an answer that failed, until it is tried again: auto goes by page.
    heard: list[Any] = []
    chat.on("degraded", heard.append)
    site.control.switch(require_trusted_input=False)
    answer = await conversation.send("still there", via="auto")
    assert answer.text.startswith("You said: still there")
    assert answer.via == "page"
    assert "disabled" in heard[0].reason
    await goes_on(conversation, site, way)


@pytest.mark.fresh
async def test_revoked_access_within_the_stream_is_a_rejected_session(chat, site, via):
    conversation = await chat.new_conversation()
    sentence = "The OAuth authorization has been revoked"
    reply = conversation.send(f"fail 401 after 3 saying {sentence}", via=via)
    with pytest.raises(errors.SessionRejected, match=sentence):
        await reply
    assert reply.events[-1].partial == reply.text == "tok0 tok1 tok2 "
    site.control.switch(require_trusted_input=False)
    # By ui the page went to sign in by itself, and came back with the consent given before.
    assert (await chat.login()).username == "ada"
    assert (await conversation.send("back again", via="auto")).text.startswith("You said: back again")
