"""A tab that nobody waits for any more is closed, at whatever stage it is."""

import asyncio

import pytest

from huggingchat_agent.browser import running_browser
from huggingchat_agent.errors import BrowserTimeout

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


class Held:
    """Makes a tab, and returns only when `go` is set."""

    def __init__(self, make):
        self.made, self.go = asyncio.Event(), asyncio.Event()
        self._make = make

    async def __call__(self):
        tab = await self._make()
        self.made.set()
        await self.go.wait()
        return tab


@pytest.fixture
def held(browser, monkeypatch):
    held = Held(browser._open_tab)
    monkeypatch.setattr(browser, "_open_tab", held)
    return held


async def list_tabs(browser):
    found = await browser._root.send("Target.getTargets")
    return {each["targetId"] for each in found["targetInfos"] if each["type"] == "page"}


async def wait_for_tabs(browser, expected):
    """Wait until the browser has those tabs and no other."""
    async with asyncio.timeout(5):
        while await list_tabs(browser) != expected:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_tab_is_closed_when_its_making_is_cancelled(browser, held, seen):
    before = await list_tabs(browser)
    opening = asyncio.create_task(browser.new_page(seen))
    await held.made.wait()
    assert len(await list_tabs(browser)) == len(before) + 1
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    held.go.set()
    await wait_for_tabs(browser, before)


async def test_tab_is_closed_when_its_making_takes_too_long(browser, held, seen, monkeypatch):
    monkeypatch.setattr(running_browser, "TAB_SECONDS", 0.5)
    before = await list_tabs(browser)
    with pytest.raises(BrowserTimeout, match="open a tab"):
        await browser.new_page(seen)
    await asyncio.wait_for(held.made.wait(), 10)  # it goes on, and is not cancelled
    held.go.set()
    await wait_for_tabs(browser, before)


async def test_browser_closes_while_a_tab_is_given_up(engine, chosen, seen):
    tasks = asyncio.all_tasks()
    browser = await engine.start(chosen, None)
    opening = asyncio.create_task(browser.new_page(seen))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await browser.close()
    assert asyncio.all_tasks() == tasks
