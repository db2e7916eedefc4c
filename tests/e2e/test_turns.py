"""Whole turns, in a real browser, against what a separate client reads from the server."""

import asyncio
import itertools
from typing import Any

import pytest

from huggingchat_agent import events
from huggingchat_agent.errors import UsageError

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


def join_tokens(seen):
    return "".join(event.text for event in seen if isinstance(event, events.Token))


def shape(seen):
    """The names in order, repeats folded."""
    return [name for name, _ in itertools.groupby(event.name for event in seen)]


async def read_turn(raw, answer):
    """The two messages of a turn as the server has them, and the whole list."""
    messages = (await raw.read(answer.conversation_id))["messages"]
    by_id = {message["id"]: message for message in messages}
    return by_id[answer.user_message_id], by_id[answer.message_id], messages


def find_forks(messages):
    return [message["id"] for message in messages if len(message["children"]) > 1]


@pytest.mark.each_way
async def test_turn_agrees_with_what_the_server_stores(chat, raw, via):
    conversation = await chat.new_conversation()
    reply = conversation.send("hello there", via=via)
    seen = [event async for event in reply]
    answer = await reply
    user, assistant, messages = await read_turn(raw, answer)
    assert answer.text == join_tokens(seen) == assistant["content"]
    assert answer.text.startswith("You said: hello there [history=")
    assert (user["content"], user["from"], assistant["from"]) == ("hello there", "user", "assistant")
    assert assistant["ancestors"][-1] == user["id"]
    assert user["ancestors"] == [messages[0]["id"]]
    assert (reply.via, answer.via) == (via, via)
    assert answer.generation_id == assistant["generationId"]
    assert answer.timing.sent < answer.timing.first_token <= answer.timing.last_token < answer.timing.finished
    assert not answer.interrupted


async def test_events_of_a_turn_come_in_order_and_carry_their_place(chat, via):
    heard: list[Any] = []
    chat.on("token", heard.append)
    conversation = await chat.new_conversation()
    reply = conversation.send("hello there", via=via)
    seen = [event async for event in reply]
    await reply
    assert shape(seen)[0] == "started"
    assert shape(seen)[-2:] == ["answer", "finished"]
    assert {"title", "token"} <= set(shape(seen))
    assert [event.seq for event in seen] == list(range(1, len(seen) + 1))
    assert len({event.turn for event in seen}) == 1
    assert all(event.conversation_id == conversation.id for event in seen)
    assert all(first.at <= second.at for first, second in itertools.pairwise(seen))
    assert heard == [event for event in seen if event.name == "token"]
    lengths = [event.length for event in heard]
    assert lengths == list(itertools.accumulate(len(event.text) for event in heard))
    assert [event async for event in reply] == seen  # each iterator from the first


@pytest.mark.parametrize("prompt", ["unicode please", "long 20000", "count 40 every 0"])
async def test_awkward_answers_arrive_whole(chat, raw, via, prompt):
    conversation = await chat.new_conversation()
    reply = conversation.send(prompt, via=via)
    seen = [event async for event in reply]
    answer = await reply
    _, assistant, _ = await read_turn(raw, answer)
    assert answer.text == join_tokens(seen) == assistant["content"]


async def test_reasoning_is_kept_apart_from_the_answer(chat, raw, via):
    conversation = await chat.new_conversation("DeepSeek-R1")
    reply = conversation.send("reason about it", via=via)
    seen = [event async for event in reply]
    answer = await reply
    _, assistant, _ = await read_turn(raw, answer)
    assert answer.content == assistant["content"]
    assert answer.reasoning.startswith("Let me think")
    assert "<think>" in answer.content
    assert "<think>" not in answer.text
    assert join_tokens(seen) == answer.text
    assert "".join(event.text for event in seen if event.name == "reasoning") == answer.reasoning


async def test_tool_use_is_reported_and_merged_as_the_server_does(chat, raw, via):
    conversation = await chat.new_conversation()
    reply = conversation.send("use tool now", via=via)
    seen = [event async for event in reply]
    answer = await reply
    _, assistant, _ = await read_turn(raw, answer)
    assert [name for name in shape(seen) if name.startswith("tool_")] == [
        "tool_call",
        "tool_eta",
        "tool_result",
    ]
    assert answer.content == assistant["content"]
    assert [(tool.name, tool.status) for tool in answer.tools] == [("echo", "success")]


@pytest.mark.each_way
async def test_tokens_reach_callbacks_as_they_arrive(chat, site, via):
    """The site says token k only when the callback has had token k - 1."""
    conversation = await chat.new_conversation()
    got = []

    def on_token(event):
        number = event.text.strip().partition("@")[0]
        if number.isdigit():
            got.append(int(number))
            site.control.release(int(number) + 1, conversation.id)

    conversation.on("token", on_token)
    reply = conversation.send("hold 12", via=via)
    site.control.release(0, conversation.id)
    async with asyncio.timeout(30):
        await reply
    assert got == list(range(12))


@pytest.mark.fresh
async def test_ui_sends_only_what_trusted_input_has_typed(chat, site):
    site.control.switch(require_trusted_input=True)
    conversation = await chat.new_conversation()
    answer = await conversation.send("typed by hand", via="ui")
    assert "typed by hand" in answer.text


async def test_turns_by_ui_and_page_in_one_conversation_make_no_fork(chat, raw):
    conversation = await chat.new_conversation()
    for number, via in enumerate(["ui", "page", "page", "ui", "ui", "page"]):
        answer = await conversation.send(f"message {number}", via=via)
        assert f"[history={2 * number + 2} " in answer.text
    _, _, messages = await read_turn(raw, answer)
    assert find_forks(messages) == []
    assert len(messages) == 13


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_many_turns_agree_with_the_server(chat, raw, turns):
    """Text, joined tokens and stored message are equal, the ids fit, no conversation has a fork."""
    conversations = [await chat.new_conversation() for _ in range(3)]
    for number in range(turns):
        conversation = conversations[number % 3]
        via = ("ui", "page")[number % 2]
        reply = conversation.send(f"number {number}", via=via)
        seen = [event async for event in reply]
        answer = await reply
        user, assistant, messages = await read_turn(raw, answer)
        assert answer.text == join_tokens(seen) == assistant["content"], number
        assert (user["content"], assistant["ancestors"][-1]) == (f"number {number}", user["id"])
        assert user["ancestors"][-1] == messages[-3]["id"]
        assert find_forks(messages) == [], number


async def test_two_conversations_at_once_by_ui_do_not_cross(chat, raw):
    await ask_at_once(chat, raw, "ui", 2)


async def test_eight_conversations_at_once_by_page_do_not_cross(chat, raw):
    queued: list[Any] = []
    chat.on("queued", queued.append)
    await ask_at_once(chat, raw, "page", 8)
    assert len(queued) == 4, "HTTP/1.1 gives four streams; the other four wait and say so"


async def ask_at_once(chat, raw, via, count):
    conversations = [await chat.new_conversation() for _ in range(count)]
    seen: dict[str, list[Any]] = {conversation.id: [] for conversation in conversations}
    for conversation in conversations:
        conversation.on("token", seen[conversation.id].append)
    replies = [each.send(f"count 20 every 15 mine {n}", via=via) for n, each in enumerate(conversations)]
    answers = await asyncio.gather(*replies)
    for conversation, reply, answer in zip(conversations, replies, answers, strict=True):
        _, assistant, _ = await read_turn(raw, answer)
        assert answer.conversation_id == conversation.id
        assert answer.text == join_tokens(seen[conversation.id]) == assistant["content"]
        assert {event.conversation_id for event in reply.events} == {conversation.id}


async def test_second_send_while_answering_is_a_usage_error(chat, site):
    conversation = await chat.new_conversation()
    reply = conversation.send("hold 2", via="page")
    with pytest.raises(UsageError, match="still answering"):
        conversation.send("more")
    site.control.release(2, conversation.id)
    await reply


async def test_empty_prompt_is_a_usage_error(chat):
    conversation = await chat.new_conversation()
    with pytest.raises(UsageError, match="empty"):
        conversation.send("  \n")


async def test_await_returns_after_every_listener_has_handled_finished(chat):
    conversation = await chat.new_conversation()
    handled = []

    @chat.on("finished")
    async def slow(event):
        for _ in range(20):
            await asyncio.sleep(0)
        handled.append(event.name)

    await conversation.send("hello", via="page")
    assert handled == ["finished"]


async def test_raw_exchanges_are_an_event_too(chat):
    kinds = set()
    chat.on("exchange", lambda event: kinds.add(type(event.exchange).__name__))
    await (await chat.new_conversation()).send("hello", via="page")
    assert {"Started", "Responded", "Chunk", "Ended"} <= kinds
