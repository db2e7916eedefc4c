"""Stopping, and what is left running without a stop."""

import asyncio

import pytest

from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import TurnTimeout, UsageError
from huggingchat_agent.setting_values import Deadlines
from tests.e2e.reports import read_picture, read_tree

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

LONG = "count 2000 every 20"


async def wait_for_token(reply):
    async for event in reply:
        if event.name == "token":
            return
    raise AssertionError("the reply ended before its first token")


async def site_is_idle(site):
    """Whether the stand-in comes to rest; the server notices a stop only a moment after it said yes."""
    for _ in range(200):
        if not site.control.running:
            return True
        await asyncio.sleep(0.05)
    return False


async def is_interrupted(raw, conversation_id):
    return (await raw.read(conversation_id))["messages"][-1].get("interrupted") is True


@pytest.mark.each_way
async def test_stop_gives_the_text_that_the_server_stores(chat, raw, via):
    conversation = await chat.new_conversation()
    reply = conversation.send(LONG, via=via)
    await wait_for_token(reply)
    await reply.stop()
    answer = await reply
    assert answer.interrupted
    assert answer.finish_reason == "interrupted"
    stored = (await raw.read(conversation.id))["messages"][-1]
    assert stored["content"] == answer.text != ""
    assert stored["id"] == answer.message_id


async def test_leaving_the_block_early_stops_the_run_on_the_server(chat, raw, via):
    conversation = await chat.new_conversation()
    async with conversation.send(LONG, via=via) as reply:
        async for event in reply:
            if event.name == "token":
                break
        assert not reply.done
    assert reply.done
    assert await is_interrupted(raw, conversation.id)


async def test_cancelling_who_awaits_stops_the_run_on_the_server(chat, raw, via):
    conversation = await chat.new_conversation()
    reply = conversation.send(LONG, via=via)

    async def ask():
        await reply

    asking = asyncio.create_task(ask())
    await wait_for_token(reply)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert reply.done
    assert await is_interrupted(raw, conversation.id)


@pytest.mark.each_way
async def test_leaving_when_the_site_has_only_just_got_the_message_stops_the_run(chat, site, via):
    """Before the agent has seen the page send it, most of the time."""
    for _ in range(3):
        conversation = await chat.new_conversation()
        reply = conversation.send(LONG, via=via)
        await asyncio.to_thread(site.control.wait_until, lambda: site.control.running, 30)
        await reply.stop()
        assert await site_is_idle(site)


async def test_break_alone_only_stops_looking(chat):
    conversation = await chat.new_conversation()
    reply = conversation.send("count 20 every 5", via="page")
    await wait_for_token(reply)
    assert not reply.done
    assert not (await reply).interrupted


async def test_stop_before_anything_was_sent_says_so(chat):
    conversation = await chat.new_conversation()
    reply = conversation.send("hello", via="page")
    await reply.stop()
    if reply._turn is None:
        with pytest.raises(UsageError, match="before the message was sent"):
            await reply
    assert [event.name for event in reply.events][-1] in ("failed", "finished")


@pytest.mark.fresh
async def test_closing_the_chat_stops_what_is_running_and_lets_nothing_begin(raw, chat):
    conversation = await chat.new_conversation()
    reply = conversation.send(LONG, via="page")

    async def go_on():
        await reply
        await conversation.send("and then", via="page")

    going = asyncio.create_task(go_on())
    await wait_for_token(reply)
    await chat.close()
    with pytest.raises(UsageError, match="not open"):
        await going
    assert (await reply).interrupted
    assert await is_interrupted(raw, conversation.id)


@pytest.mark.fresh
async def test_temporary_conversations_are_gone_at_the_end(chat, raw):
    kept = await chat.new_conversation()
    dropped = await chat.new_conversation(temporary=True)
    async with await chat.new_conversation(temporary=True) as scoped:
        await scoped.send("hello", via="page")
    await dropped.send("hello", via="page")
    assert await raw.status(scoped.id) == 404
    assert await raw.status(dropped.id) == 200
    await chat.close()
    assert await raw.status(dropped.id) == 404
    assert await raw.status(kept.id) == 200


@pytest.mark.parametrize(
    ("prompt", "deadlines", "name"),
    [
        ("hold 3", Deadlines(idle=1.0), "idle"),
        (LONG, Deadlines(total=1.0), "total"),
    ],
)
async def test_deadline_raises_with_the_partial_text_and_a_picture(
    settings, site, prompt, deadlines, name, via
):
    async with HuggingChat(**settings, deadlines=deadlines) as chat:
        await chat.login()
        conversation = await chat.new_conversation()
        reply = conversation.send(prompt, via=via)
        with pytest.raises(TurnTimeout, match=name) as caught:
            await reply
        assert caught.value.partial == reply.text
        assert caught.value.conversation_id == conversation.id
        assert read_picture(caught.value).startswith(b"\x89PNG")
        assert read_tree(caught.value)
        assert reply.events[-1].name == "failed"
        assert await site_is_idle(site), "the run goes on at the server"
        assert (await conversation.read()).messages[-1].interrupted


async def test_first_update_deadline_counts_what_is_no_keep_alive(settings, site):
    async with HuggingChat(**settings, deadlines=Deadlines(first_update=1.0)) as chat:
        await chat.login()
        conversation = await chat.new_conversation()
        site.control.delay(5)
        with pytest.raises(TurnTimeout, match="first_update"):
            await conversation.send("hello", via="page")
