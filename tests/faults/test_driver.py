"""Playwright's own process, or nodriver's connection, is lost: that is noticed at once, and replaced."""

import asyncio
import time

import pytest
import pytest_asyncio

from tests.faults.staging import PROMPT, TEXT, Stage

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["playwright", "nodriver"])
async def stage(request, tmp_path_factory):
    async with Stage(request.param, tmp_path_factory.mktemp("state")) as stage:
        yield stage
    assert stage.find_orphans() == []


async def test_loss_between_messages_is_noticed_at_once_and_the_next_message_answered(stage):
    conversation = await stage.chat.new_conversation()
    await conversation.send("one", via="page")
    session, epoch = stage.chat._session, stage.chat._session.epoch
    noticed = asyncio.Event()
    stage.browser.on_closed(noticed.set)
    stage.kill_driver()
    async with asyncio.timeout(5):
        await noticed.wait()
    assert session.lost
    answer = await conversation.send("two", via="ui")
    assert "[history=4 " in answer.text
    assert session.epoch == epoch + 1


async def test_message_right_after_the_loss_is_sent_once(stage):
    conversation = await stage.chat.new_conversation()
    await conversation.send("one", via="page")
    stage.kill_driver()
    answer = await conversation.send("two", via="page")
    assert "[history=4 " in answer.text
    sent = [each for each in stage.site.control.accepted if each["conversation"] == conversation.id]
    assert [each["prompt"] for each in sent] == ["one", "two"]


async def test_answer_goes_on_after_the_loss(stage, via):
    conversation = await stage.chat.new_conversation()
    epoch = stage.chat._session.epoch
    reply = conversation.send(PROMPT, via=via)
    async for event in reply:
        if event.name == "token":
            break
    began = time.monotonic()
    stage.kill_driver()
    async for event in reply:
        if event.name == "recovering":
            break
    assert time.monotonic() - began < 5
    assert (await reply).text.rstrip() == TEXT
    assert stage.chat._session.epoch == epoch + 1
