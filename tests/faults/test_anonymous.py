"""An app without login, which knows its user by a cookie alone: conversations outlive the browser."""

import pytest

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat
from tests.faults.staging import kill_main_process
from tests.quick import QUICK

pytestmark = pytest.mark.browser


@pytest.mark.either_engine
@pytest.mark.parametrize("engine", ["playwright", "nodriver"])
@pytest.mark.parametrize("in_use", [False, True], ids=["", "copy"])
async def test_conversations_are_there_in_the_browser_after_one_that_was_killed(engine, in_use, tmp_path):
    with StandIn(**QUICK, login=False) as site:
        given = {"base_url": site.url, "home": tmp_path, "engine": engine}
        async with HuggingChat(**given) as first, HuggingChat(**given) as second:
            chat = second if in_use else first
            await chat.login()
            conversation = await chat.new_conversation()
            await conversation.send("one")
            kill_main_process(chat._session.browser)
            assert "[history=4 " in (await conversation.send("two")).text
            assert [each.id async for each in chat.conversations()] == [conversation.id]
        if not in_use:
            async with HuggingChat(**given) as chat:
                assert len((await chat.conversation(conversation.id).tree()).messages) == 5
