"""Retried answers, edited messages, and the tree that they make."""

import pytest

from huggingchat_agent.errors import GenerationFailed, UsageError

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def read_stored(raw, conversation):
    return {message["id"]: message for message in (await raw.read(conversation.id))["messages"]}


@pytest.mark.each_way
async def test_retry_makes_another_answer_beside_the_old_one(chat, raw, via):
    conversation = await chat.new_conversation()
    first = await conversation.send("hello there", via=via)
    second = await conversation.retry(via=via)
    messages = await read_stored(raw, conversation)
    assert messages[first.user_message_id]["children"] == [first.message_id, second.message_id]
    assert second.user_message_id == first.user_message_id
    assert messages[second.message_id]["content"] == second.text == first.text


async def test_retry_of_an_older_answer_makes_the_branch_there(chat, raw, via):
    conversation = await chat.new_conversation()
    first = await conversation.send("one", via=via)
    await conversation.send("two", via=via)
    again = await conversation.retry(first.message_id, via=via)
    messages = await read_stored(raw, conversation)
    assert messages[first.user_message_id]["children"] == [first.message_id, again.message_id]
    after = await conversation.send("three", via=via)
    assert (await read_stored(raw, conversation))[after.user_message_id]["ancestors"][-1] == again.message_id


@pytest.mark.each_way
async def test_edit_makes_another_branch(chat, raw, via):
    conversation = await chat.new_conversation()
    first = await conversation.send("one", via=via)
    await conversation.send("two", via=via)
    other = await conversation.edit(first.user_message_id, "uno", via=via)
    messages = await read_stored(raw, conversation)
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
    with pytest.raises(UsageError, match=f"no option '{name}'"):
        conversation.send("hello", **{name: 1})


async def test_checkout_goes_on_with_the_branch_of_a_message(chat, raw, via):
    conversation = await chat.new_conversation()
    first = await conversation.send("one", via=via)
    await conversation.send("two", via=via)
    other = await conversation.edit(first.user_message_id, "uno", via=via)
    assert [each.content for each in await conversation.messages()] == ["uno", other.content]
    leaf = await conversation.checkout(first.message_id)
    assert leaf.content.startswith("You said: two")
    assert [each.id for each in await conversation.messages()][-1] == leaf.id
    third = await conversation.send("three", via=via)
    fourth = await conversation.send("four", via=via)
    messages = await read_stored(raw, conversation)
    assert messages[third.user_message_id]["ancestors"][-1] == leaf.id
    assert messages[fourth.user_message_id]["ancestors"][-1] == third.message_id
    assert [each.content for each in await conversation.messages()][::2] == ["one", "two", "three", "four"]
    tree = await conversation.tree()
    assert len(tree.messages) == len(messages) == 11
    assert [len(each) for each in tree.forks().values()] == [2]


async def test_edit_after_a_checkout_goes_on_with_the_new_branch(chat, raw, via):
    conversation = await chat.new_conversation()
    first = await conversation.send("one", via=via)
    await conversation.checkout(first.message_id)
    other = await conversation.edit(first.user_message_id, "uno", via=via)
    after = await conversation.send("due", via=via)
    assert (await read_stored(raw, conversation))[after.user_message_id]["ancestors"][-1] == other.message_id


async def test_checkout_of_what_is_not_there_is_refused(chat):
    conversation = await chat.new_conversation()
    with pytest.raises(UsageError, match="has no message 'nothing'"):
        await conversation.checkout("nothing")


async def test_failed_answer_is_made_anew_by_retry(chat, raw, via):
    conversation = await chat.new_conversation()
    with pytest.raises(GenerationFailed):
        await conversation.send("fail 500", via=via)
    failed = (await raw.read(conversation.id))["messages"][-1]
    with pytest.raises(GenerationFailed):
        await conversation.retry(via=via)
    messages = await read_stored(raw, conversation)
    assert len(messages[failed["ancestors"][-1]]["children"]) == 2


@pytest.mark.parametrize("how", ["retry", "edit"])
async def test_stopped_retry_or_edit_is_reported_as_it_is_stored(chat, raw, via, how):
    conversation = await chat.new_conversation()
    if how == "retry":
        first = await _stop(conversation.send("count 300 every 20", via=via))
        answer = await _stop(conversation.retry(via=via))
    else:
        first = await conversation.send("hello", via=via)
        answer = await _stop(conversation.edit(first.user_message_id, "count 300 every 20", via=via))
    assert answer.interrupted
    assert answer.finish_reason == "interrupted"
    message = (await read_stored(raw, conversation))[answer.message_id]
    assert message["interrupted"]
    assert message["content"] == answer.content
    assert answer.message_id != first.message_id


async def test_retry_and_edit_while_answering_are_refused(chat, site, raw):
    conversation = await chat.new_conversation()
    first = await conversation.send("one", via="page")
    reply = conversation.send("hold 3", via="page")
    async for event in reply:
        if event.name == "started":
            with pytest.raises(UsageError, match="still answering"):
                conversation.retry()
            with pytest.raises(UsageError, match="still answering"):
                conversation.edit(first.user_message_id, "uno")
            site.control.release()
    await reply
    assert len(await read_stored(raw, conversation)) == 5


async def _stop(reply):
    """The answer of a reply that is stopped after its fifth token."""
    async for event in reply:
        if event.name == "token" and event.text.startswith("5@"):
            break
    await reply.stop()
    return await reply


async def test_long_conversation_is_read_in_one_go(chat, site, raw, turns):
    conversation = chat.conversation(await raw.create("deepseek-ai/DeepSeek-R1"))
    for number in range(turns):
        await raw.send(conversation.id, f"burst 1, {number}", lambda token: None)
    before = site.control.count("GET", conversation.id)
    messages = await conversation.messages()
    assert site.control.count("GET", conversation.id) == before + 1
    assert len(messages) == 2 * turns
    assert [each.content for each in messages[::2]] == [f"burst 1, {number}" for number in range(turns)]
    assert messages[-1].ancestors[-1] == messages[-2].id
