"""What people mix up between the two APIs: each mistake is answered by its own sentence."""

import asyncio
from pathlib import Path

import pytest

import huggingchat_agent
from huggingchat_agent import HuggingChat, sync
from huggingchat_agent.errors import UsageError

TAPE = Path(__file__).parents[1] / "fixtures" / "tapes" / "v1-conversation.tape"
PROMPT = "hello there"


@pytest.mark.parametrize("name", ["HuggingChat", "Conversation", "Reply", "Attached"])
async def test_with_and_async_with_each_name_the_other(name):
    mine, other = (object.__new__(getattr(each, name)) for each in (huggingchat_agent, sync))
    with pytest.raises(
        UsageError, match=f"Use `async with`, not `with`: this {name} is of the API with asyncio"
    ):
        with mine:
            raise AssertionError
    with pytest.raises(
        UsageError, match=f"Use `with`, not `async with`: this {name} is of huggingchat_agent.sync"
    ):
        async with other:
            raise AssertionError


@pytest.mark.parametrize("name", ["Reply", "Replay"])
async def test_for_and_async_for_each_name_the_other(name):
    mine, other = (object.__new__(getattr(each, name)) for each in (huggingchat_agent, sync))
    with pytest.raises(UsageError, match=f"Use `async for`, not `for`: this {name}"):
        list(mine)
    with pytest.raises(UsageError, match=f"Use `for`, not `async for`: this {name}"):
        [each async for each in other]


async def test_a_sync_reply_is_not_awaited():
    with pytest.raises(UsageError, match=r"Call `result\(\)` and do not await: .* is on the way already"):
        await object.__new__(sync.Reply)  # type: ignore[misc]


async def test_a_message_is_sent_once_though_its_reply_is_iterated_wrongly():
    async with HuggingChat(replay=TAPE) as chat:
        conversation = await chat.new_conversation(system_prompt="Be brief.")
        reply = conversation.send(PROMPT)
        with pytest.raises(UsageError, match="do not send it again"):
            for _ in reply:  # type: ignore[attr-defined]
                raise AssertionError
        assert (await reply).text.startswith(f"You said: {PROMPT}")


async def test_sending_from_a_thread_without_a_loop_names_the_ways_to_do_it():
    async with HuggingChat(replay=TAPE) as chat:
        conversation = await chat.new_conversation(system_prompt="Be brief.")
        with pytest.raises(UsageError, match=r"This thread runs no event loop.* huggingchat_agent\.sync"):
            await asyncio.to_thread(conversation.send, PROMPT)
        assert (await conversation.send(PROMPT)).text.startswith(f"You said: {PROMPT}")


def test_handler_may_return_a_reply_of_the_sync_api(tmp_path):
    with sync.HuggingChat(replay=TAPE, home=tmp_path) as chat:
        conversation = chat.new_conversation(system_prompt="Be brief.")
        failed: list[object] = []
        conversation.on("handler_failed", failed.append)
        reply = conversation.send(PROMPT)
        reply.on("token", lambda event: reply)
        assert reply.result().text and not failed
