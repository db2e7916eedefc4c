"""Obstacles between a message and the app: other runs, late stops, stale pages, failed reads."""

import asyncio
import contextlib
import re
import time
from typing import Any

import pytest

from huggingchat_agent.errors import GenerationFailed, PageChanged, StreamBroken, UsageError
from huggingchat_agent.site.gestures import composer
from huggingchat_agent.turn import stored
from huggingchat_agent.wire import requests
from tests.bench.round_trips import take_steps
from tests.e2e.test_turns import join_tokens, read_turn, shape

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


def find_forks(messages):
    return [message["id"] for message in messages if len(message["children"]) > 1]


@pytest.mark.each_way
@pytest.mark.usefixtures("without_recovery")
async def test_message_waits_for_a_run_that_goes_on_without_us(chat, site, raw, via):
    conversation = await chat.new_conversation()
    site.control.cut(5)
    site.control.release(5, conversation.id)
    with pytest.raises(StreamBroken):
        await conversation.send("hold 8", via=via)
    queued: list[Any] = []
    conversation.on("queued", queued.append)
    conversation.on("queued", lambda event: site.control.release(conversation=conversation.id))
    answer = await conversation.send("and now", via=via)
    assert [event.reason for event in queued] == ["run"]
    assert "[history=4 " in answer.text
    messages = (await raw.read(conversation.id))["messages"]
    assert find_forks(messages) == []
    assert messages[2]["content"].count("@") == 8, "the first run was cut short"


@pytest.mark.each_way
async def test_turn_that_somebody_else_began_is_not_forked(chat, raw, via):
    """The agent has just been told the conversation's first message; then a person types."""
    conversation = await chat.new_conversation()
    over = asyncio.Event()
    conversation.once("finished", lambda event: over.set())
    await chat._session.tabs.open_page()
    page = chat._session.browser._context.pages[-1]
    await page.goto(conversation.url)
    send = page.get_by_role("button", name="Send message", exact=True)
    async with asyncio.timeout(20):
        while not await send.is_enabled():
            await page.get_by_role("textbox", name="Ask anything").fill("")
            await page.get_by_role("textbox", name="Ask anything").fill("typed by a person")
        await send.click()
        await over.wait()
    await page.close()
    answer = await conversation.send("and by the agent", via=via)
    assert "[history=4 " in answer.text
    assert find_forks((await raw.read(conversation.id))["messages"]) == []


async def test_message_typed_in_the_page_by_somebody_else_gives_the_same_events(chat, raw):
    """Typed and sent by the driver's own locators: the agent only watches."""
    conversation = await chat.new_conversation()
    ours = conversation.send("hello there", via="ui")
    expected = shape([event async for event in ours])
    await ours

    other = await chat.new_conversation()
    heard: list[Any] = []
    over = asyncio.Event()
    for name in ("started", "title", "token", "status", "router", "answer", "finished", "failed"):
        other.on(name, heard.append)
    other.on("finished", lambda event: over.set())
    await chat._session.tabs.open_page()
    page = chat._session.browser._context.pages[-1]
    await page.goto(other.url)
    composer = page.get_by_role("textbox", name="Ask anything")
    send = page.get_by_role("button", name="Send message", exact=True)
    async with asyncio.timeout(20):
        while not await send.is_enabled():  # typed too early is typed in vain, for a person too
            await composer.fill("")
            await composer.fill("hello there")
        await send.click()
        await over.wait()
    assert shape(heard) == [name for name in expected if name in {event.name for event in heard}]
    assert set(expected) == set(shape(heard))
    answer = next(event.answer for event in heard if event.name == "answer")
    user, assistant, _ = await read_turn(raw, answer)
    assert join_tokens(heard) == assistant["content"]
    assert user["content"] == "hello there"
    assert answer.via == ""


async def test_way_that_there_is_none_of_is_refused_before_anything_is_sent(chat):
    conversation = await chat.new_conversation()
    with pytest.raises(UsageError, match="via cannot be 'telepathy'"):
        conversation.send("hello", via="telepathy")
    with pytest.raises(UsageError, match="format cannot be 'toml'"):
        await chat.export_cookies("cookies.toml", format="toml")
    assert not conversation._running


async def test_stop_that_found_nothing_to_stop_does_not_hit_the_next_message(chat):
    conversation = await chat.new_conversation()
    await conversation.send("hello", via="page")
    # As when a run ends of itself in the moment it is stopped.
    await chat._session.ask(requests.stop_generating(conversation.id))
    queued: list[Any] = []
    conversation.on("queued", queued.append)
    answer = await conversation.send("count 20 every 20", via="page")
    assert [event.reason for event in queued] == ["stop"]
    assert not answer.interrupted


@pytest.mark.each_way
async def test_line_ends_are_sent_as_the_app_stores_them(chat, raw, via):
    conversation = await chat.new_conversation()
    answer = await conversation.send("one\r\ntwo\rthree", via=via)
    stored = {each["id"]: each for each in (await raw.read(conversation.id))["messages"]}
    assert stored[answer.user_message_id]["content"] == "one\ntwo\nthree"


async def test_whole_answer_survives_a_conversation_that_cannot_be_read(chat, site):
    conversation = await chat.new_conversation()
    site.control.answer_next(
        rf"/api/v2/conversations/{conversation.id}$", 500, '{"message":"no"}', method="GET", times=99
    )
    answer = await conversation.send("hello there", via="page")
    assert answer.text.startswith("You said: hello there [history=")
    assert (answer.user_message_id, answer.message_id) == ("", "")


async def test_mistake_of_ours_reaches_who_waits(chat, monkeypatch):
    async def mistaken(app, conversation_id):
        raise ValueError("a mistake")

    conversation = await chat.new_conversation()
    monkeypatch.setattr(stored, "read_conversation", mistaken)
    reply = conversation.send("hello", via="page")
    async with asyncio.timeout(20):
        seen = [event.name async for event in reply]
        with pytest.raises(PageChanged, match="ValueError"):
            await reply
    assert seen[-1] == "failed"


@pytest.mark.parametrize(
    ("status", "body", "headers", "said"),
    [
        (404, "<h1>Out of order</h1>", {}, "answered 404"),
        (429, "", {}, "answered 429"),
        (502, "", {}, "answered 502"),
        (302, "", {"location": "/chat/?gone"}, r"redirects .* to http://127\.0\.0\.1:\d+/chat/"),
    ],
)
async def test_page_that_does_not_come_says_why_at_once(chat, site, status, body, headers, said):
    conversation = await chat.new_conversation()
    page = {"method": "GET", "content_type": "text/html", "times": 2, "headers": headers}
    site.control.answer_next(rf"/conversation/{conversation.id}$", status, body, **page)
    begun, reasons = time.monotonic(), []
    with pytest.raises(PageChanged, match=said):
        await conversation.send("hello", via="ui")
    conversation.on("degraded", lambda event: reasons.append(event.reason))
    assert (await conversation.send("hello", via="auto")).via == "page"
    assert time.monotonic() - begun < 8.0  # no wait for a control ran out
    assert len(reasons) == 1 and re.search(said, reasons[0])


async def test_page_that_takes_no_message_after_a_failed_answer_says_so(chat, monkeypatch):
    monkeypatch.setattr(composer, "_TO_OPEN", 60.0)  # it does not wait for the composer
    conversation = await chat.new_conversation()
    with pytest.raises(GenerationFailed, match="upstream failure"):
        await conversation.send("fail 500", via="ui")
    begun = time.monotonic()
    with pytest.raises(PageChanged, match=r'disabled.*conversation\.retry\(\).*via="page"'):
        await conversation.send("again", via="ui")
    assert time.monotonic() - begun < 20.0
    assert (await conversation.send("again", via="auto")).via == "page"


async def test_message_by_ui_takes_few_round_trips(chat):
    """In a loaded page, commands that can go together do."""
    conversation = await chat.new_conversation()
    await conversation.send("hello", via="ui")
    steps = await take_steps(conversation, "ui")
    what = [each.what for each in steps]
    assert steps.round_trips <= 8, what
    assert len(what) <= 14, what
    assert not any("AXTree" in each for each in what)


async def test_message_by_page_takes_one_round_trip(chat):
    conversation = await chat.new_conversation()
    await conversation.send("hello", via="page")
    steps = await take_steps(conversation, "page")
    assert [each.what for each in steps] == ["Runtime.evaluate START"]


async def test_long_message_by_ui_is_put_into_the_page_at_once(chat, raw):
    """A browser that types 3,000 lines one by one takes half a minute."""
    prompt = "burst 3\n" + "\n".join(f"    line {number} of a file: über" for number in range(3000))
    conversation = await chat.new_conversation()
    await conversation.send("hello", via="ui")
    assert (await conversation.send(prompt, via="ui")).via == "ui"
    asked = [each for each in (await raw.read(conversation.id))["messages"] if each["from"] == "user"]
    assert asked[-1]["content"] == prompt


@pytest.mark.fresh
async def test_one_page_is_enough_for_one_conversation(chat, site):
    """Calls go through it too. While something else uses it, it is not moved."""
    tabs = chat._session.tabs
    async with await chat.new_conversation(temporary=True) as gone:
        await gone.send("hello", via="ui")
    first, second = await chat.new_conversation(), await chat.new_conversation()
    async with held(first, site, via="ui"):
        await chat.status()
    assert (await first.send("again", via="ui")).via == "ui"
    (page,) = tabs._pages
    assert not page.closed

    async with held(second, site, via="page"):
        tabs._tabs[first.id].leaf = None  # so that its page is loaded again
        assert "[history=6 " in (await first.send("and again", via="ui")).text
    assert await tabs.get_shared() is page
    assert tabs._pages == [page, tabs._tabs[first.id].page]


@contextlib.asynccontextmanager
async def held(conversation, site, **how):
    """A message whose answer has begun, and ends after the block."""
    begun = asyncio.Event()
    reply = conversation.send("hold 4", **how)
    reply.once("token", lambda event: begun.set())
    site.control.release(0, conversation.id)
    async with asyncio.timeout(20):
        await begun.wait()
        yield
        site.control.release(3, conversation.id)
        assert (await reply).text.count("@") == 4


async def test_next_conversation_has_its_tab_before_its_first_message(chat):
    tabs = chat._session.tabs
    await (await chat.new_conversation()).send("hello", via="ui")
    conversation = await chat.new_conversation()
    assert tabs._spare is not None
    opened = await tabs._spare
    await conversation.send("hello", via="ui")
    assert (await tabs.get_front()) is opened and tabs._spare is None
