"""A browser and tabs that have worked for long are replaced between two messages."""

import asyncio
from typing import Any

import msgspec
import pytest

from huggingchat_agent import HuggingChat, events
from huggingchat_agent.browser import process_tag
from huggingchat_agent.session import account, recycling

pytestmark = pytest.mark.asyncio


@pytest.mark.browser
@pytest.mark.either_engine
@pytest.mark.parametrize("engine", ["playwright", "nodriver"])
async def test_browser_is_replaced_and_no_message_is_lost(site, tmp_path, engine, monkeypatch):
    monkeypatch.setattr(recycling, "MEASURE_EVERY", 1)
    seen: list[events.Recycled] = []
    account = {"username": site.username, "password": site.password}
    async with HuggingChat(
        engine=engine, base_url=site.url, home=tmp_path, browser_turns=4, tab_turns=2, **account
    ) as chat:
        chat.on("recycled", seen.append)
        await chat.login()
        session: Any = chat._session
        tags = {session.browser.tag}
        conversation, other = await chat.new_conversation(), await chat.new_conversation()
        for number in range(3):
            assert (await conversation.send(f"echo a{number}", via="ui")).text
        assert [(each.what, each.turns) for each in seen] == [("tab", 2)]
        # The fourth and fifth overlap: neither of them loses its browser.
        slow = conversation.send("count 20 every 20", via="page")
        await asyncio.gather(slow, other.send("echo b", via="page"))
        assert len(seen) == 1
        held_up: list[events.Recycled] = []
        reply = other.send("echo c", via="page")
        reply.on("recycled", held_up.append)
        assert (await reply).text
        assert held_up == seen[1:]  # the reply that had to wait gets the event too
        assert [(each.what, each.reason, each.turns) for each in seen[1:]] == [("browser", "turns", 5)]
        tags.add(session.browser.tag)
        assert len(tags) == 2
        session.recycler._settings = msgspec.structs.replace(chat.settings, browser_memory=1)
        assert (await conversation.send("echo d", via="ui")).text
        assert [(each.what, each.reason, each.turns) for each in seen[2:]] == [("browser", "memory", 1)]
        asked = [each.content for each in (await conversation.read()).messages if each.author == "user"]
        assert asked == ["echo a0", "echo a1", "echo a2", "count 20 every 20", "echo d"]
    assert not any(map(process_tag.find_processes, tags))


async def test_browser_is_kept_during_a_sign_in(tmp_path, monkeypatch):
    chat = HuggingChat(base_url="http://127.0.0.1:9", home=tmp_path)
    users = []

    async def login(session, credentials, *, wanted):
        users.append(session.recycler._uses.count)
        return account.Account(base_url="http://127.0.0.1:9")

    monkeypatch.setattr(account, "login", login)
    monkeypatch.setattr(chat, "_state", "open")
    await chat.login()
    assert users == [1]
