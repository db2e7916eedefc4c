"""Failures, and the error that each becomes."""

import asyncio
import gc
import os
import resource
import signal
from typing import Any

import pytest
import pytest_asyncio

from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import (
    BrowserClosed,
    BrowserMissing,
    CreditsExhausted,
    GenerationFailed,
    PageChanged,
    RateLimited,
    SessionRejected,
    SiteError,
    StorageError,
    StreamBroken,
    UnknownModel,
    UsageError,
)
from tests.e2e.reports import read_picture, read_tree

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def hasty(settings):
    """A chat that waits for a control no longer than a page that works may take."""
    async with HuggingChat(**settings, step_timeout=4) as chat:
        await chat.login()
        yield chat


@pytest.mark.usefixtures("without_recovery")
@pytest.mark.parametrize("lines", [1, 3, 50])
async def test_stream_that_is_cut_raises_with_the_partial_text(chat, site, via, lines):
    conversation = await chat.new_conversation()
    site.control.cut(lines)
    reply = conversation.send("count 200 every 0", via=via)
    with pytest.raises(StreamBroken, match="broke after") as caught:
        await reply
    # Where the cut came before the tap had a hold of the stream, the partial text is the stored one.
    assert caught.value.partial.startswith(reply.text)
    assert caught.value.partial or lines < 50  # behind the first of them there are tokens
    whole = site.control.conversation(conversation.id)["messages"][-1]["content"]
    assert whole.startswith(caught.value.partial)
    assert caught.value.conversation_id == conversation.id
    assert reply.events[-1].name == "failed"
    assert reply.events[-1].partial == caught.value.partial


@pytest.mark.usefixtures("without_recovery")
async def test_conversation_goes_on_after_a_cut(chat, site, raw):
    conversation = await chat.new_conversation()
    site.control.cut(3)
    with pytest.raises(StreamBroken):
        await conversation.send("count 50 every 0", via="ui")
    answer = await conversation.send("and now", via="ui")
    assert "and now" in answer.text
    messages = (await raw.read(conversation.id))["messages"]
    assert all(len(message["children"]) < 2 for message in messages)


@pytest.mark.parametrize(
    ("prompt", "error", "says"),
    [
        ("fail 500", GenerationFailed, "upstream failure"),
        ("fail 402", CreditsExhausted, "402"),
        ("fail 429", RateLimited, "429"),
        ("die 5", GenerationFailed, "terminated"),
    ],
)
async def test_error_within_the_stream_is_the_right_one(chat, prompt, error, says, via):
    conversation = await chat.new_conversation()
    reply = conversation.send(prompt, via=via)
    with pytest.raises(error, match=says) as caught:
        await reply
    assert caught.value.conversation_id == conversation.id
    assert caught.value.partial == reply.text


async def test_http_error_before_the_stream_keeps_the_servers_words(chat, site, via):
    conversation = await chat.new_conversation()
    site.control.answer_next(
        rf"/conversation/{conversation.id}$",
        429,
        '{"message":"You are sending too many messages. Try again later."}',
        headers={"retry-after": "17"},
        method="POST",
    )
    with pytest.raises(RateLimited, match="sending too many messages") as caught:
        await conversation.send("hello", via=via)
    assert caught.value.retry_after == 17


@pytest.mark.fresh
async def test_signed_out_in_between_is_reported(hasty, site, via):
    conversation = await hasty.new_conversation()
    site.control.sign_out(hub=True)
    site.control.switch(challenge=True)  # so that signing in again does not help
    with pytest.raises(SessionRejected):
        await conversation.send("hello", via=via)


async def test_unknown_model_names_the_closest(chat):
    with pytest.raises(UnknownModel, match=r"meta-llama/Llama-3\.3-70B-Instruct"):
        await chat.new_conversation("meta-lama/Lama-3.3-70B")


@pytest.mark.fresh
async def test_missing_control_is_named_and_pictured(hasty, site):
    site.control.rename("Send message", "Dispatch")
    conversation = await hasty.new_conversation()
    with pytest.raises(PageChanged, match="Send message") as caught:
        await conversation.send("hello", via="ui")
    assert read_picture(caught.value)
    assert "Dispatch" in read_tree(caught.value)


@pytest.mark.parametrize(
    ("more", "size"),
    [("line\n" * 10_000, "10,002 lines and 50,016"), ("word " * 70_000, "2 lines and 350,016")],
    ids=["lines", "characters"],
)
async def test_auto_sends_a_long_prompt_by_page_and_says_so(chat, more, size):
    heard: list[Any] = []
    chat.on("degraded", heard.append)
    conversation = await chat.new_conversation()
    assert (await conversation.send(f"count 1 every 1\n{more}", via="auto")).via == "page"
    assert [each.conversation_id for each in heard] == [conversation.id]
    assert f"{size} characters" in heard[0].reason
    assert (await conversation.send("short", via="auto")).via == "ui"
    assert len(heard) == 1


@pytest.mark.fresh
async def test_auto_goes_by_page_at_once_after_a_page_that_never_came_alive(hasty, site):
    site.control.switch(hydration_delay=3600)
    heard: list[Any] = []
    hasty.on("degraded", heard.append)
    first, second = await hasty.new_conversation(), await hasty.new_conversation()
    for conversation in (first, second):
        assert (await conversation.send("hello", via="auto")).via == "page"
    assert [each.conversation_id for each in heard] == [first.id, second.id]
    assert "Send message" in heard[0].reason and "not tried" not in heard[0].reason
    assert heard[1].reason.startswith(heard[0].reason) and heard[1].reason.endswith("was not tried again.")
    assert site.control.count("GET", f"/chat/conversation/{first.id}") == 1
    assert site.control.count("GET", f"/chat/conversation/{second.id}") == 0
    assert (await second.retry(via="auto")).via == "page"
    site.control.switch(hydration_delay=0.1)
    await second.send("this page is alive", via="ui")
    assert (await second.send("so is the next", via="auto")).via == "ui"
    assert len(heard) == 3


@pytest.mark.fresh
async def test_next_message_starts_another_browser_when_one_was_killed(chat):
    conversation = await chat.new_conversation()
    await conversation.send("one", via="page")
    killed, gone = chat._session.browser, asyncio.Event()
    lost = await chat._session.tabs.get_shared()
    killed.on_closed(gone.set)
    os.kill(killed._process, signal.SIGKILL)
    await gone.wait()
    answer = await conversation.send("two", via="page")
    assert "[history=4 " in answer.text
    assert chat._session.browser is not killed
    # A tape of both tells exchanges apart by their tabs.
    assert (await chat._session.tabs.get_shared()).id != lost.id


async def test_tabs_that_crashed_are_closed_when_others_are_opened_for_them(chat):
    conversation = await chat.new_conversation()
    await conversation.send("one", via="ui")
    before = len(chat._session.browser._context.pages)
    for page in (await chat._session.tabs.get_shared(), await chat._session.tabs.get_front()):
        lost = asyncio.ensure_future(page.wait("() => false", timeout=60))
        with pytest.raises((BrowserClosed, SiteError)):
            await page.goto("chrome://crash", timeout=10)
        with pytest.raises(BrowserClosed):
            await lost
    await conversation.send("two", via="ui")
    assert len(chat._session.browser._context.pages) <= before


async def test_address_without_a_chat_is_a_site_error(settings, site):
    async with HuggingChat(**settings | {"base_url": f"{site.origin}/nothing-here"}) as chat:
        with pytest.raises(SiteError, match="does not answer as a chat-ui"):
            await chat.login()


async def test_site_that_is_down_is_a_site_error(settings, unused_tcp_port):
    chat = HuggingChat(**settings | {"base_url": f"http://127.0.0.1:{unused_tcp_port}/chat"})
    with pytest.raises(SiteError, match="cannot be reached"):
        await chat.open()
    assert chat._session.browser is None


async def test_missing_browser_is_reported_before_anything(settings, tmp_path):
    with pytest.raises(BrowserMissing, match="no-such-browser"):
        await HuggingChat(**settings, browser=str(tmp_path / "no-such-browser")).open()


@pytest.mark.stranger
async def test_file_in_the_place_of_the_state_folder_is_a_storage_error(settings, tmp_path):
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StorageError, match="state"):
        await HuggingChat(**settings).open()


@pytest.mark.stranger
async def test_full_disk_is_a_storage_error_and_leaves_no_half_file(settings):
    async with HuggingChat(**settings) as chat:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        try:
            with pytest.raises(StorageError, match="Cannot write the saved session"):
                await chat.login()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert os.listdir(chat._session.saved.folder) == []
        assert (await chat.login()).username == "ada"


async def test_use_before_and_after_being_open_is_a_usage_error(settings):
    chat = HuggingChat(**settings)
    with pytest.raises(UsageError, match="not open"):
        await chat.models()
    async with chat:
        pass
    with pytest.raises(UsageError, match="not open"):
        await chat.models()
    with pytest.raises(UsageError, match="closed"):
        await chat.open()


async def test_handler_that_raises_does_not_stop_the_answer(chat):
    reports: list[Any] = []
    chat.on("handler_failed", reports.append)

    @chat.on("token")
    def bad(event):
        raise RuntimeError("mine")

    answer = await (await chat.new_conversation()).send("hello there", via="page")
    assert answer.text.startswith("You said: hello there")
    assert {str(report.error) for report in reports} == {"mine"}


async def test_reply_that_failed_and_nobody_awaited_is_logged(chat, caplog):
    conversation = await chat.new_conversation()
    reply = conversation.send("fail 500", via="page")
    async for _ in reply:
        pass
    await asyncio.wait({reply._task})
    conversation._reply = None
    del reply
    gc.collect()
    assert "was never awaited" in caplog.text
