"""Signing in, asking, branches, files, stopping, failing: the same on every engine."""

import asyncio
import itertools
import json
import os
import signal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fixtures.site.produced import PICTURE
from huggingchat_agent import HuggingChat
from huggingchat_agent.browser import process_tag
from huggingchat_agent.errors import BrowserClosed, PageChanged, StreamBroken
from huggingchat_agent.events import Token, to_json
from tests.e2e.reports import read_picture, read_tree
from tests.signed_in import save_session

if TYPE_CHECKING:
    from huggingchat_agent.choices import Via

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SCRIPTED = ("hello there", "reason", "use tool", "unicode", "fail 500 after 2 saying Out of luck")


async def wait_for_token(reply):
    async for event in reply:
        if event.name == "token":
            return
    raise AssertionError("the reply ended before its first token")


@pytest.mark.each_way
async def test_turn_agrees_with_what_the_server_stores(chat, raw, via):
    conversation = await chat.new_conversation()
    reply = conversation.send("hello there", via=via)
    tokens = [event.text async for event in reply if event.name == "token"]
    answer = await reply
    stored = (await raw.read(conversation.id))["messages"][-1]
    assert answer.text == "".join(tokens) == stored["content"]
    assert answer.text.startswith("You said: hello there [history=")
    assert (answer.message_id, answer.via) == (stored["id"], via)


async def test_stop_gives_the_text_that_the_server_stores(chat, raw, via):
    conversation = await chat.new_conversation()
    reply = conversation.send("count 2000 every 20", via=via)
    await wait_for_token(reply)
    await reply.stop()
    answer = await reply
    stored = (await raw.read(conversation.id))["messages"][-1]
    assert answer.interrupted
    assert stored["content"] == answer.text != ""


async def test_retry_and_edit_make_branches(chat, raw, via):
    conversation = await chat.new_conversation()
    first = await conversation.send("one", via=via)
    again = await conversation.retry(via=via)
    other = await conversation.edit(first.user_message_id, "uno", via=via)
    messages = {each["id"]: each for each in (await raw.read(conversation.id))["messages"]}
    assert messages[first.user_message_id]["children"] == [first.message_id, again.message_id]
    assert messages[again.message_id]["content"] == again.text == first.text
    root = messages[first.user_message_id]["ancestors"][-1]
    assert messages[root]["children"] == [first.user_message_id, other.user_message_id]
    assert messages[other.user_message_id]["content"] == "uno"
    assert {each.via for each in (first, again, other)} == {via}


async def test_files_reach_the_model(chat, site, raw, via):
    conversation = await chat.new_conversation("Qwen2.5-VL")
    long = "0123456789abcde\n" * 2**17  # 2 MiB in one message to the browser, and more in its coding
    files = [("dot.png", PICTURE), ("notes.md", "# Grüße\n".encode()), ("long.txt", long.encode())]
    answer = await conversation.send("burst 3", files=files, via=via)  # else all is said again
    given = next(each for each in reversed(site.control.heard) if each["conversation"] == conversation.id)
    assert given["images"] == [{"mime": "image/png", "size": len(PICTURE)}]
    for text in ("# Grüße\n", long):
        assert text in given["messages"][-1]["content"]
    messages = (await raw.read(conversation.id))["messages"]
    asked = next(each for each in messages if each["id"] == answer.user_message_id)
    assert [each["name"] for each in asked["files"]] == [name for name, _ in files]
    assert answer.via == via


async def test_file_of_an_answer_is_downloaded_as_it_is_stored(chat, raw, via, tmp_path):
    conversation = await chat.new_conversation()
    (file,) = (await conversation.send("make file dots.png of 3000001", via=via)).files
    async with raw.http.get(f"{conversation.url}/output/{file.sha}") as response:
        stored = await response.read()
    assert len(stored) == 3000001
    assert await file.read() == stored
    assert (await file.save(tmp_path)).read_bytes() == stored


async def test_changed_page_leaves_a_report(chat, site, monkeypatch):
    conversation = await chat.new_conversation()
    hasty = msgspec.structs.replace(chat.settings, step_timeout=4.0)
    monkeypatch.setattr(chat, "settings", hasty)
    site.control.rename("Send message", "Submit")
    try:
        with pytest.raises(PageChanged, match="Send message") as caught:
            await conversation.send("hello", via="ui")
    finally:
        site.control.rename("Send message", "Send message")
    assert read_picture(caught.value)
    assert "Submit" in read_tree(caught.value)


def strip_event(event):
    """An event without random values and times."""
    said = json.loads(to_json(event))
    kept = ("event", "seq", "text", "length", "message", "status", "tool", "title", "interrupted", "via")
    return {name: said[name] for name in kept if name in said}


async def test_events_are_the_same_on_every_engine(account, site, tmp_path):
    """One after the other, by both ways: names, order, texts and numbers of all events."""
    heard: dict[str, list[Any]] = {}
    ways: tuple[Via, ...] = ("ui", "page")
    for engine in ("playwright", "nodriver"):
        heard[engine] = []
        save_session(site, tmp_path / engine)
        async with HuggingChat(engine=engine, home=tmp_path / engine, **account) as chat:
            await chat.login()
            for via, prompt in itertools.product(ways, SCRIPTED):
                reply = (await chat.new_conversation()).send(prompt, via=via)
                heard[engine] += [[via, prompt, *[strip_event(event) async for event in reply]]]
                await asyncio.gather(reply, return_exceptions=True)
    one, other = heard.values()
    assert len(one) == 2 * len(SCRIPTED)
    assert min(map(len, one)) > 4
    assert one == other


THEME = "() => localStorage.getItem('theme')"
EMPTY = "() => { localStorage.clear(); setTimeout(() => location.reload()); }"
RELOADED = "() => performance.getEntriesByType('navigation')[0].type === 'reload'"


async def test_session_saved_by_one_is_used_by_the_other(engine, account, site, tmp_path):
    others = {"playwright": "nodriver", "nodriver": "playwright"}
    async with HuggingChat(engine=engine, home=tmp_path, **account) as chat:
        await chat.login()
        page = await chat._session.tabs.get_shared()
        await page.evaluate("() => localStorage.setItem('theme', 'dark é')", timeout=10)
        await chat._session.save()
    logins = site.control.logins
    async with HuggingChat(engine=others[engine], home=tmp_path, base_url=site.url) as chat:
        assert (await chat.login()).username == site.username
        page = await chat._session.tabs.get_shared()
        assert await page.evaluate(THEME, timeout=10) == "dark é"
        await page.evaluate(EMPTY, timeout=10)
        await page.wait(RELOADED, timeout=10)
        assert await page.evaluate(THEME, timeout=10) is None  # what a page removes does not come back
        assert "You said: hi" in (await (await chat.new_conversation()).send("hi", via="page")).text
    assert site.control.logins == logins


async def test_killed_browser_gives_the_partial_text(engine, account, site, via, tmp_path):
    save_session(site, tmp_path)
    async with HuggingChat(engine=engine, home=tmp_path, recover=False, **account) as chat:
        await chat.login()
        conversation = await chat.new_conversation()
        reply = conversation.send("count 500 every 20", via=via)
        async for event in reply:
            if isinstance(event, Token) and event.length > 60:
                break
        browser: Any = chat._session.browser
        for process in process_tag.find_processes(browser.tag):
            os.kill(process, signal.SIGKILL)
        with pytest.raises(StreamBroken) as caught:
            async with asyncio.timeout(30):
                await reply
        assert caught.value.partial == reply.text != ""
        assert isinstance(caught.value.__cause__, BrowserClosed)
