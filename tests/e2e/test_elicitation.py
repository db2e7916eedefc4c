"""Questions of tools to the user: an event, an answer by the app's own endpoint, and the rest of the turn."""

import asyncio
from typing import Any

import pytest

from huggingchat_agent.errors import ChatError, UsageError
from huggingchat_agent.question import Field, Option

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

GOOD = {"name": "Ada", "age": 36, "colour": "Blue"}
TAKEN = "name=Ada age=36 fast=True colour=blue"


SHOWN = "() => !!document.querySelector('{}')"


async def wait_for_question(reply):
    async with asyncio.timeout(20):
        async for event in reply:
            if event.name == "elicitation":
                return event
    raise AssertionError("nothing was asked")


async def test_question_is_an_event_with_its_fields(chat, site):
    conversation = await chat.new_conversation()
    event = await wait_for_question(conversation.send("ask me form 60", via="page"))
    assert (event.server, event.mode, event.message, event.url) == ("Mock", "form", "Who are you?", "")
    assert event.expires_at is not None
    by_name = {field.name: field for field in event.fields}
    assert by_name["name"] == Field(
        kind="string", name="name", title="Your name", required=True, min_length=2, max_length=20
    )
    assert (by_name["age"].integer, by_name["age"].minimum, by_name["age"].maximum) == (True, 1, 150)
    assert by_name["colour"].options == [
        Option(value="red", label="Red"),
        Option(value="blue", label="Blue"),
    ]
    assert (by_name["fast"].default, by_name["mail"].format, by_name["more"].multiple) == (
        True,
        "email",
        True,
    )
    await conversation._running.stop()


async def test_answer_lets_a_waiting_run_go_on_in_its_stream(chat, raw, via):
    conversation = await chat.new_conversation()
    reply = conversation.send("ask me form 60", via=via)
    request = conversation.elicitation(await wait_for_question(reply))
    page = (await chat._session.tabs.lease(conversation.id)).page if via == "ui" else None
    if page:
        await page.wait(SHOWN.format("form.asked"), timeout=10)
    assert await request.answer(GOOD) is None
    if page:
        await page.wait(SHOWN.format(".settled"), timeout=10)
    answer = await reply
    assert f"You said: accept {TAKEN}" in answer.text
    assert answer.finish_reason == "stop"
    (resolved,) = [event for event in reply.events if event.name == "elicitation_resolved"]
    assert (resolved.action, resolved.resolution) == ("accept", "user")
    assert answer.tools[0].outputs[0]["text"] == f"accept {TAKEN}"
    assert (await raw.read(conversation.id))["messages"][-1]["content"] == answer.text
    # The page, too, took it for settled, and the next message goes on from there.
    assert "[history=4 " in (await conversation.send("and on", via=via)).text


@pytest.mark.parametrize(("verb", "action"), [("decline", "decline"), ("dismiss", "cancel")])
async def test_question_can_be_declined_and_dismissed(chat, verb, action):
    conversation = await chat.new_conversation()
    reply = conversation.send("ask me form 60", via="page")
    request = conversation.elicitation(await wait_for_question(reply))
    assert await getattr(request, verb)() is None
    assert f"You said: {action} " in (await reply).text


async def test_handler_can_answer(chat):
    conversation = await chat.new_conversation()

    @conversation.on("elicitation")
    async def asked(event):
        await conversation.elicitation(event).answer(GOOD)

    assert TAKEN in (await conversation.send("ask me form 60", via="page")).text


@pytest.mark.each_way
async def test_answer_to_a_parked_run_is_a_reply_that_writes_into_the_same_message(chat, raw, site, via):
    conversation = await chat.new_conversation()
    reply = conversation.send("ask me form", via=via)
    event = await wait_for_question(reply)
    assert event.expires_at is None
    parked = await reply
    assert (parked.finish_reason, parked.text) == ("elicitation", "Let me check. ")
    site.control.switch(require_trusted_input=False)
    rest = await conversation.elicitation(event).answer(GOOD)
    answer = await rest
    assert answer.message_id == parked.message_id
    assert answer.user_message_id == parked.user_message_id
    assert answer.finish_reason == "stop"
    messages = (await raw.read(conversation.id))["messages"]
    assert [message["from"] for message in messages] == ["system", "user", "assistant"]
    assert messages[-1]["content"] == answer.text
    assert answer.text.startswith(f"Let me check. You said: accept {TAKEN}")
    assert rest.events[0].name == "started"
    assert {"elicitation_resolved", "tool_result"} <= {event.name for event in rest.events}
    # A page that showed the open question is no way to fork the conversation.
    assert "[history=4 " in (await conversation.send("and on", via="auto")).text
    assert all(len(message["children"]) < 2 for message in (await raw.read(conversation.id))["messages"])


async def test_rest_of_a_parked_run_has_the_tools_on_that_were_chosen(chat, site):
    conversation = await chat.new_conversation()
    reply = conversation.send("ask me form", via="page", tools=["mock"])
    event = await wait_for_question(reply)
    await reply
    site.control.switch(
        tool_servers={"Mock": "https://mcp.example.org/mcp", "Other": "https://other.example.org"}
    )
    await (await conversation.elicitation(event).decline())
    site.control.switch(tool_servers={"Mock": "https://mcp.example.org/mcp"})
    given = [each["tools"] for each in site.control.heard if each["conversation"] == conversation.id]
    assert given == [["Mock"], ["Mock"]]


async def test_answer_within_the_stream_waits_for_the_run_to_park(chat):
    conversation = await chat.new_conversation()
    replies: list[Any] = []

    @conversation.on("elicitation")
    async def asked(event):
        replies.append(await conversation.elicitation(event).answer(GOOD))

    parked = await conversation.send("ask me form", via="page")
    assert parked.finish_reason == "elicitation"
    assert TAKEN in (await replies[0]).text


async def test_parked_question_is_found_again_later(chat):
    conversation = await chat.new_conversation()
    await conversation.send("ask me form", via="page")
    later = chat.conversation(conversation.url)
    (request,) = await later.elicitations()
    assert request.question.message == "Who are you?"
    assert "You said: decline" in (await (await request.decline())).text
    assert await later.elicitations() == []


async def test_visit_of_an_address_takes_no_fields(chat):
    conversation = await chat.new_conversation()
    reply = conversation.send("ask me url 60", via="page")
    event = await wait_for_question(reply)
    assert (event.mode, event.url, event.fields) == ("url", "https://mcp.example.org/allow", [])
    request = conversation.elicitation(event)
    with pytest.raises(UsageError, match="takes no fields"):
        await request.answer({"name": "Ada"})
    assert await request.answer() is None
    assert "You said: accept" in (await reply).text


async def test_answer_that_does_not_fit_is_refused_before_it_is_sent(chat, site):
    conversation = await chat.new_conversation()
    reply = conversation.send("ask me form 60", via="page")
    request = conversation.elicitation(await wait_for_question(reply))
    with pytest.raises(UsageError, match=r"'name' must have at least 2 characters.*'colour' is required"):
        await request.answer({"name": "A", "age": 3})
    assert not site.control.count("POST", f"{conversation.id}/elicitation")
    await request.answer(GOOD)
    await reply
    with pytest.raises(ChatError, match="Already answered") as caught:
        await request.answer(GOOD)
    assert caught.value.conversation_id == conversation.id


async def test_question_expires(chat):
    conversation = await chat.new_conversation()
    reply = conversation.send("ask me form 0.5", via="page")
    answer = await reply
    (resolved,) = [event for event in reply.events if event.name == "elicitation_resolved"]
    assert (resolved.action, resolved.resolution) == ("cancel", "expired")
    assert "You said: cancel" in answer.text


async def test_question_of_another_conversation_is_unknown(chat):
    conversation, other = await chat.new_conversation(), await chat.new_conversation()
    reply = conversation.send("ask me form 60", via="page")
    event = await wait_for_question(reply)
    with pytest.raises(ChatError, match="Unknown elicitation"):
        await other.elicitation(event).answer(GOOD)
    await reply.stop()
