"""A tab that computes and answers nothing does not hold up what is asked of the whole browser."""

import asyncio
import time

import pytest

from huggingchat_agent import HuggingChat


@pytest.mark.parametrize("engine", ["nodriver", "playwright"])
async def test_session_is_read_while_a_tab_is_busy(open_site, tmp_path, engine):
    stand_in = open_site()
    async with HuggingChat(base_url=stand_in.url, home=tmp_path, engine=engine) as chat:
        await chat.login(stand_in.username, stand_in.password)
        page = await chat._session.tabs.open_page()
        await page.goto(chat.settings.base_url, timeout=10)
        await (await chat._session.tabs.get_shared()).close()  # its successor comes after the busy tab
        await chat.models(refresh=True)
        spin = "() => { const end = Date.now() + 8000; while (Date.now() < end); }"
        busy = asyncio.create_task(page.evaluate(spin, timeout=20))
        await asyncio.sleep(0.5)
        began = time.monotonic()
        assert (await chat.status()).username == stand_in.username
        assert time.monotonic() - began < 6
        await busy
