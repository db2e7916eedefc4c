"""A tab that computes and answers nothing does not hold up what is asked of the whole browser."""

import asyncio

import pytest

from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import BrowserTimeout
from tests.persons import Persons

pytestmark = pytest.mark.browser


@pytest.mark.either_engine
@pytest.mark.parametrize("engine", ["nodriver", "playwright"])
async def test_session_is_read_while_a_tab_is_busy(open_site, tmp_path, engine):
    stand_in = open_site()
    async with HuggingChat(base_url=stand_in.url, home=tmp_path, engine=engine) as chat:
        await chat.login(stand_in.username, stand_in.password)
        page = await chat._session.tabs.open_page()
        await page.goto(chat.settings.base_url, timeout=10)
        await (await chat._session.tabs.get_shared()).close()  # its successor comes after the busy tab
        await chat.models(refresh=True)
        busy = asyncio.create_task(page.evaluate("() => { while (true); }", timeout=60))
        await asyncio.sleep(0.5)
        assert (await chat.status()).username == stand_in.username
        assert not busy.done()
        busy.cancel()


async def test_busy_tab_of_a_person_keeps_nodriver_waiting_for_nothing_and_playwright_says_so(
    open_site, tmp_path, monkeypatch
):
    monkeypatch.setattr("huggingchat_agent.browser.playwright.CONNECT_SECONDS", 3.0)
    stand_in = open_site()
    (tmp_path / "person").mkdir()
    async with Persons(tmp_path / "person") as person:
        given = {"base_url": stand_in.url, "connect": person.address, "isolated": True}
        spin = "data:text/html,<script>while (true);</script>"
        person.open_tab(spin)
        async with HuggingChat(home=tmp_path / "1", engine="nodriver", **given) as chat:
            assert not (await chat.status()).signed_in
        with pytest.raises(BrowserTimeout, match="one of them may be busy") as caught:
            await HuggingChat(home=tmp_path / "2", **given).open()
        assert "nodriver" in str(caught.value)
