"""A message whose request breaks: what the app holds decides, and nothing is sent twice."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from huggingchat_agent.browser.running_browser import USE_ONCE
from huggingchat_agent.errors import ChatError, GenerationFailed, StreamBroken
from tests.faults.staging import PROMPT, TEXT, Stage

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SEND = rb"POST /chat/conversation/[0-9a-f]{24} HTTP"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory):
    async with Stage("playwright", tmp_path_factory.mktemp("state")) as stage:
        yield stage


@pytest.fixture
def site(stage):
    return stage.site


def ledger(stage, conversation):
    return [each for each in stage.site.control.accepted if each["conversation"] == conversation.id]


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_gateway_that_loses_the_answer_to_a_message_costs_nothing(stage, via, status):
    conversation = await stage.chat.new_conversation()
    stage.site.control.gateway(status)
    reply = conversation.send(PROMPT, via=via)
    assert (await reply).text.rstrip() == TEXT
    assert next(each for each in reply.events if each.name == "recovering").reason == (
        f"it was answered with status {status}"
    )
    assert len(ledger(stage, conversation)) == 1


async def test_message_that_a_gateway_refused_is_the_error_of_its_answer(stage, via):
    conversation = await stage.chat.new_conversation()
    stage.site.control.answer_next(r"/conversation/\w{24}$", 503, "Busy", method="POST")
    with pytest.raises(GenerationFailed, match="Busy"):
        await conversation.send(PROMPT, via=via)
    assert ledger(stage, conversation) == []


async def test_message_that_is_reset_on_its_way_is_sent_once_or_not_at_all(stage, via):
    conversation = await stage.chat.new_conversation()
    stage.proxy.drop_request(SEND)
    try:
        answer = await conversation.send(PROMPT, via=via)
    except ChatError as error:
        assert isinstance(error, StreamBroken) and "does not have this message" in error.message
        assert ledger(stage, conversation) == []
    else:
        assert answer.text.rstrip() == TEXT
        assert len(ledger(stage, conversation)) == 1
    assert stage.proxy.dropped.is_set()


async def test_message_whose_connection_breaks_before_the_answer_is_not_repeated_by_the_browser(stage, via):
    outcome = await stage.send(via, "connection reset", "before the answer begins")
    assert outcome.right and outcome.sent == 1, outcome


async def test_message_that_the_browser_repeats_by_itself_is_reported(stage):
    """As over HTTP/2, whose connections are kept in spite of the agent."""
    page = stage.chat._session.find_page((await stage.chat._session.calls.open()).page_id)
    await page._cdp.send("Network.setExtraHTTPHeaders", {"headers": {}})
    repeats: list[Any] = []
    stage.chat.on("retrying", repeats.append)
    try:
        outcome = await stage.send("page", "connection reset", "before the answer begins")
    finally:
        stage.chat.remove_listener("retrying", repeats.append)
        await page._cdp.send("Network.setExtraHTTPHeaders", USE_ONCE)
    assert outcome.right and outcome.sent == 2, outcome
    assert [(each.attempt, each.delay) for each in repeats if each.request.startswith("POST")] == [(2, 0.0)]


async def test_browser_killed_while_the_message_is_on_its_way_sends_it_once(stage, via):
    conversation = await stage.chat.new_conversation()
    stage.site.control.delay(1.0)
    reply = conversation.send(PROMPT, via=via)
    await asyncio.to_thread(stage.site.control.wait_until, lambda: ledger(stage, conversation))
    stage.kill_browser()
    assert (await reply).text.rstrip() == TEXT
    assert len(ledger(stage, conversation)) == 1


async def test_message_right_after_the_browser_was_killed_is_sent_once(stage, via):
    conversation = await stage.chat.new_conversation()
    await conversation.send("one", via=via)
    stage.kill_browser()
    answer = await conversation.send("two", via=via)
    assert "[history=4 " in answer.text
    assert [each["prompt"] for each in ledger(stage, conversation)] == ["one", "two"]
