"""A tab that nobody waits for any more is closed, however far its making had come."""

import asyncio

import pytest

from huggingchat_agent.browser import nodriver, playwright
from huggingchat_agent.errors import BrowserTimeout

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


class Held:
    """Stands for an object whose making of a tab succeeds, and is told of only when `go` is set."""

    def __init__(self, real, name):
        self.made, self.go = asyncio.Event(), asyncio.Event()
        self._real, self._name = real, name

    def __getattr__(self, name):
        return self._make if name == self._name else getattr(self._real, name)

    async def _make(self, *arguments):
        made = await getattr(self._real, self._name)(*arguments)
        if not arguments or arguments[0] == "Target.createTarget":
            self.made.set()
            await self.go.wait()
        return made


@pytest.fixture
def held(browser, monkeypatch):
    owner = "_context" if hasattr(browser, "_context") else "_root"
    name = "new_page" if owner == "_context" else "send"
    stand_in = Held(getattr(browser, owner), name)
    monkeypatch.setattr(browser, owner, stand_in)
    return stand_in


async def tabs(browser):
    found = await browser._root.send("Target.getTargets")
    return {each["targetId"] for each in found["targetInfos"] if each["type"] == "page"}


async def settled(browser, expected):
    """Wait until the browser has those tabs and no other."""
    async with asyncio.timeout(5):
        while await tabs(browser) != expected:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_tab_is_closed_when_its_making_is_cancelled(browser, held, seen):
    before = await tabs(browser)
    opening = asyncio.create_task(browser.new_page(seen))
    await held.made.wait()
    assert len(await tabs(browser)) == len(before) + 1
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    held.go.set()
    await settled(browser, before)


async def test_tab_is_closed_when_its_making_takes_too_long(browser, held, seen, monkeypatch):
    for engine in (playwright, nodriver):
        monkeypatch.setattr(engine, "TAB_SECONDS", 0.5)
    before = await tabs(browser)
    with pytest.raises(BrowserTimeout, match="open a tab"):
        await browser.new_page(seen)
    assert held.made.is_set()
    held.go.set()
    await settled(browser, before)


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
