"""Answers made anew, messages put in the place of others, and the tree that comes of it."""

import pytest

from huggingchat_agent.errors import UsageError

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def stored(raw, conversation):
    return {message["id"]: message for message in (await raw.read(conversation.id))["messages"]}


async def test_retry_makes_another_answer_beside_the_old_one(chat, raw):
    conversation = await chat.new_conversation()
    first = await conversation.send("hello there")
    second = await conversation.retry()
    messages = await stored(raw, conversation)
    assert messages[first.user_message_id]["children"] == [first.message_id, second.message_id]
    assert second.user_message_id == first.user_message_id
    assert messages[second.message_id]["content"] == second.text == first.text


async def test_retry_of_an_older_answer_makes_the_branch_there(chat, raw):
    conversation = await chat.new_conversation()
    first = await conversation.send("one")
    await conversation.send("two")
    again = await conversation.retry(first.message_id)
    messages = await stored(raw, conversation)
    assert messages[first.user_message_id]["children"] == [first.message_id, again.message_id]
    after = await conversation.send("three")
    assert (await stored(raw, conversation))[after.user_message_id]["ancestors"][-1] == again.message_id


async def test_edit_makes_another_branch(chat, raw):
    conversation = await chat.new_conversation()
    first = await conversation.send("one")
    await conversation.send("two")
    other = await conversation.edit(first.user_message_id, "uno")
    messages = await stored(raw, conversation)
    root = messages[first.user_message_id]["ancestors"][-1]
    assert messages[root]["children"] == [first.user_message_id, other.user_message_id]
    assert messages[other.user_message_id]["content"] == "uno"
    assert other.text.startswith("You said: uno")


@pytest.mark.parametrize("wrong", ["nothing-there", "user"])
async def test_retry_of_what_is_no_answer_is_refused(chat, wrong):
    conversation = await chat.new_conversation()
    first = await conversation.send("one")
    with pytest.raises(UsageError, match=r"[Mm]essage"):
        await conversation.retry(first.user_message_id if wrong == "user" else wrong)


async def test_retry_in_an_empty_conversation_is_refused(chat):
    conversation = await chat.new_conversation()
    with pytest.raises(UsageError, match="no answer yet"):
        await conversation.retry()


@pytest.mark.parametrize("name", ["temperature", "max_tokens", "top_p", "stop", "seed"])
async def test_option_the_app_has_no_counterpart_of_is_refused(chat, name):
    conversation = chat.conversation("a" * 24)
    with pytest.raises(UsageError, match=f"no such thing as '{name}'"):
        conversation.send("hello", **{name: 1})
