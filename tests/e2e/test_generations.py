"""On an app that stores no generation ids: a message is found by its place, and all else is as ever."""

import asyncio

import pytest

from fixtures.site import StandIn
from huggingchat_agent.errors import GenerationFailed, PageChanged, UsageError
from tests.quick import QUICK

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

LONG = "count 2000 every 20"


@pytest.fixture(scope="module")
def shared_site():
    with StandIn(**QUICK, generation_ids=False) as site:
        yield site


async def read_stored(raw, answer):
    """The two messages of a turn as the server has them, by the ids of the answer."""
    messages = {message["id"]: message for message in (await raw.read(answer.conversation_id))["messages"]}
    assert not [message for message in messages.values() if "generationId" in message]
    return messages[answer.user_message_id], messages[answer.message_id]


@pytest.mark.each_way
async def test_turns_have_the_ids_and_the_text_that_the_server_stores(chat, raw, via):
    conversation = await chat.new_conversation()
    for prompt in ("one", "one", "two"):
        answer = await conversation.send(prompt, via=via)
        user, assistant = await read_stored(raw, answer)
        assert (user["content"], assistant["content"]) == (prompt, answer.text)
        assert assistant["ancestors"][-1] == user["id"]
    messages = (await raw.read(conversation.id))["messages"]
    assert [message["id"] for message in messages if len(message["children"]) > 1] == []


async def test_end_of_a_turn_by_page_costs_one_read(chat, site):
    conversation = await chat.new_conversation()
    await conversation.send("one", via="page")
    before = site.control.count("GET", f"conversations/{conversation.id}")
    answer = await conversation.send("two", via="page")
    assert answer.message_id
    assert site.control.count("GET", f"conversations/{conversation.id}") == before + 1


@pytest.mark.each_way
async def test_retry_and_edit_make_branches(chat, raw, via):
    conversation = await chat.new_conversation()
    first = await conversation.send("one", via=via)
    again = await conversation.retry(via=via)
    assert again.message_id != first.message_id
    assert again.user_message_id == first.user_message_id
    edited = await conversation.edit(first.user_message_id, "uno", via=via)
    user, assistant = await read_stored(raw, edited)
    assert (user["content"], assistant["content"]) == ("uno", edited.text)
    assert edited.message_id not in (first.message_id, again.message_id)


@pytest.mark.each_way
async def test_stop_gives_the_text_that_the_server_stores(chat, raw, via):
    conversation = await chat.new_conversation()
    reply = conversation.send(LONG, via=via)
    async for event in reply:
        if event.name == "token":
            break
    await reply.stop()
    answer = await reply
    _, assistant = await read_stored(raw, answer)
    assert (answer.interrupted, answer.finish_reason) == (True, "interrupted")
    assert assistant["content"] == answer.text != ""


async def test_failed_answer_can_be_retried(chat, via):
    conversation = await chat.new_conversation()
    with pytest.raises(GenerationFailed):
        await conversation.send("fail 500", via=via)
    with pytest.raises(GenerationFailed):
        await conversation.retry(via=via)


async def test_message_of_another_client_is_not_taken_for_ours(chat, raw, site):
    """It is the last one in the conversation when ours is over."""
    conversation = await chat.new_conversation()
    reply = conversation.send("hold 3", via="page")
    await asyncio.to_thread(site.control.wait_until, lambda: site.control.running)
    theirs = asyncio.create_task(raw.send(conversation.id, "theirs", lambda token: None))
    await asyncio.to_thread(site.control.wait_until, lambda: len(site.control.running) == 2)
    site.control.release(conversation=conversation.id)
    await theirs
    answer = await reply
    user, assistant = await read_stored(raw, answer)
    assert (user["content"], assistant["content"]) == ("hold 3", answer.text)


async def test_edit_presses_the_buttons_of_older_builds(chat, site):
    conversation = await chat.new_conversation()
    first = await conversation.send("one", via="page")
    site.control.rename("Edit", "Branch")
    site.control.rename("Send", "Submit")
    edited = await conversation.edit(first.user_message_id, "uno", via="ui")
    assert edited.text.startswith("You said: uno")
    site.control.rename("Edit", "Edit")
    site.control.rename("Send", "Send")


async def test_web_search_is_refused_where_the_app_has_no_tools(chat, site):
    site.control.answer_next(
        "/api/mcp/servers$", 404, "<html>A page</html>", content_type="text/html", times=2
    )
    assert await chat.tools(refresh=True) == []
    conversation = await chat.new_conversation()
    with pytest.raises(UsageError, match=r"no tools \(no /api/mcp/servers\)"):
        await conversation.send("one", via="page", web_search=True)
    assert (await conversation.send("one", via="page", tools=[])).text.startswith("You said: one")


async def test_page_that_takes_no_first_message_says_so(chat, site):
    site.control.switch(first_message_at_home=True)
    conversation = await chat.new_conversation()
    with pytest.raises(PageChanged, match="takes no first message"):
        await conversation.send("one", via="ui")
    first = await conversation.send("one", via="auto")
    assert (first.via, (await conversation.send("two", via="auto")).via) == ("page", "ui")
    site.control.switch(first_message_at_home=False)
