"""A stream that breaks while its run goes on: the turn gets every character once, and in order."""

import asyncio
import itertools
import re

import pytest

from huggingchat_agent.errors import StreamBroken
from tests.faults.staging import kill_main_process

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

COUNT = "count 60 every 10"
NUMBERS = list(range(60))


def parse_numbers(text):
    return [int(each) for each in re.findall(r"(\d+)@", text)]


async def check_whole(reply, site):
    """The answer, whose tokens are its text. The app got the message once."""
    async with asyncio.timeout(60):
        answer = await reply
    streamed = "".join(each.text for each in reply.events if each.name == "token")
    assert streamed.rstrip() == answer.text.rstrip()
    stored = site.control.conversation(reply.conversation_id)["messages"]
    assert answer.text == stored[-1]["content"]
    assert len(stored) == 3
    return answer


def find_events(reply, name):
    return [each for each in reply.events if each.name == name]


async def wait_for_middle(reply, length=60):
    async for event in reply:
        if event.name == "token" and event.length > length:
            return


# Before the answer begins, before its first token, behind one, in the middle, behind the last one, and
# between the final answer and the end.
@pytest.mark.parametrize("lines", [0, 1, 3, 30, 62, 63])
async def test_stream_that_is_cut_goes_on_where_it_stopped(chat, site, via, lines):
    conversation = await chat.new_conversation()
    site.control.cut(lines)
    reply = conversation.send(COUNT, via=via)
    assert parse_numbers((await check_whole(reply, site)).text) == NUMBERS
    if lines < 62:
        (broken,), (recovered,) = find_events(reply, "recovering"), find_events(reply, "recovered")
        assert recovered.means == "reattach"
        assert recovered.length == broken.length
        assert 0 < recovered.seconds < 10
        assert broken.reason


async def test_reattached_stream_that_breaks_is_resumed_again(chat, site, via):
    conversation = await chat.new_conversation()
    site.control.cut(10)
    site.control.cut_attached(3)
    site.control.cut_attached(0)
    site.control.cut_attached(2)
    # Each token lets the next one out, so that the run still writes after the last break.
    released = itertools.count()
    site.control.release(next(released), conversation.id)
    reply = conversation.send("hold 24", via=via)
    reply.on("token", lambda event: site.control.release(next(released), conversation.id))
    assert parse_numbers((await check_whole(reply, site)).text) == list(range(24))
    # By ui the page comes back to the run too, and some of the breaks are of its own streams.
    assert site.control.count("GET", "/stream") >= 4, "three that broke, and one that did not"
    breaks = 3 if via == "page" else 1
    assert [each.means for each in find_events(reply, "recovered")].count("reattach") >= breaks


@pytest.mark.fresh
async def test_app_without_reattached_streams_is_read_until_the_run_is_over(chat, site, via):
    site.control.switch(reattach=False)
    conversation = await chat.new_conversation()
    site.control.cut(10)
    reply = conversation.send("count 150 every 10", via=via)
    assert parse_numbers((await check_whole(reply, site)).text) == list(range(150))
    assert [each.means for each in find_events(reply, "recovered")] == ["read"]


@pytest.mark.parametrize("prompt", ["what unicode", "what reason", "use tool echo"])
async def test_all_kinds_of_answers_survive_a_cut(chat, site, via, prompt):
    conversation = await chat.new_conversation()
    site.control.cut(4)
    reply = conversation.send(prompt, via=via)
    async with asyncio.timeout(60):
        answer = await reply
    assert answer.content == site.control.conversation(conversation.id)["messages"][-1]["content"]
    assert "".join(each.text for each in find_events(reply, "token")).rstrip() == answer.text.rstrip()
    names = [each.name for each in reply.events]
    assert names.count("title") == 1
    assert names.count("tool_call") == names.count("tool_result") == len(answer.tools)


async def test_page_that_is_loaded_again_in_the_middle_costs_nothing(chat, site):
    conversation = await chat.new_conversation()
    reply = conversation.send(COUNT, via="ui")
    await wait_for_middle(reply)
    page = chat._session.find_page(reply._turn.page_id)
    await page.goto(f"{chat.settings.base_url}/conversation/{conversation.id}", timeout=10)
    assert parse_numbers((await check_whole(reply, site)).text) == NUMBERS


async def test_shared_page_that_goes_elsewhere_in_the_middle_costs_nothing(chat, site):
    conversation = await chat.new_conversation()
    reply = conversation.send(COUNT, via="page")
    await wait_for_middle(reply)
    await chat._session.tabs.load_app()
    assert parse_numbers((await check_whole(reply, site)).text) == NUMBERS


@pytest.mark.fresh
async def test_tab_that_crashes_in_the_middle_costs_nothing(chat, site, via):
    conversation = await chat.new_conversation()
    reply = conversation.send("count 150 every 20", via=via)
    await wait_for_middle(reply)
    page = chat._session.find_page(reply._turn.page_id)
    with pytest.raises(Exception):  # noqa: B017 - of the tab that is gone
        await page.goto("chrome://crash", timeout=5)
    assert parse_numbers((await check_whole(reply, site)).text) == list(range(150))


@pytest.mark.fresh
async def test_browser_killed_in_the_middle_is_followed_by_another_that_goes_on(chat, site, via):
    conversation = await chat.new_conversation()
    reply = conversation.send("count 200 every 20", via=via)
    await wait_for_middle(reply)
    killed = chat._session.browser
    kill_main_process(killed)
    assert parse_numbers((await check_whole(reply, site)).text) == list(range(200))
    assert chat._session.browser is not killed
    assert "[history=4 " in (await conversation.send("and now", via=via)).text


async def test_run_that_died_with_its_stream_is_an_error_with_the_text_so_far(chat, site, via):
    conversation = await chat.new_conversation()
    site.control.cut(30, run_dies=True)
    reply = conversation.send(COUNT, via=via)
    with pytest.raises(StreamBroken, match=r"the app has lost the run \(interrupted\)") as caught:
        async with asyncio.timeout(30):
            await reply
    content = site.control.conversation(conversation.id)["messages"][-1]["content"]
    assert caught.value.partial == content
    assert "".join(each.text for each in find_events(reply, "token")) == content


async def test_answer_can_be_stopped_while_it_is_resumed(chat, site, via):
    conversation = await chat.new_conversation()
    site.control.cut(10)
    reply = conversation.send("count 500 every 20", via=via)
    async for event in reply:
        if event.name == "recovered":
            break
    await reply.stop()
    answer = await reply
    assert answer.interrupted
    assert answer.text == site.control.conversation(conversation.id)["messages"][-1]["content"]
