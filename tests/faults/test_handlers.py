"""What handlers may do with a chat, and what they do not delay."""

import asyncio
from pathlib import Path

import pytest

from huggingchat_agent import HuggingChat

TAPE = Path(__file__).parents[2] / "fixtures" / "tapes" / "v1-conversation.tape"


@pytest.fixture
async def chat(tmp_path):
    async with HuggingChat(replay=TAPE, home=tmp_path) as chat:
        yield chat


async def test_answer_is_there_before_a_slow_handler_is_done(chat):
    conversation = await chat.new_conversation(system_prompt="Be brief.")
    going, handled = asyncio.Event(), []

    async def slow(event):
        await going.wait()
        handled.append(event)

    reply = conversation.send("hello there")
    reply.on("token", slow)
    answer = await asyncio.wait_for(reply.answer(), 20)
    assert answer.text and not handled
    going.set()
    assert await reply is answer
    assert len(handled) == len([each for each in reply.events if each.name == "token"])


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_next_message_is_sent_from_a_handler_of_finished(chat, kind):
    conversation = await chat.new_conversation(system_prompt="Be brief.")
    follow_up = asyncio.get_running_loop().create_future()

    def send(event):
        if not follow_up.done():
            follow_up.set_result(conversation.send("for what reason?"))

    async def send_later(event):
        send(event)

    first = conversation.send("hello there")
    first.on("finished", send if kind == "sync" else send_later)
    await first
    async with asyncio.timeout(20):
        second = await (await follow_up)
    assert second.text and second.message_id
