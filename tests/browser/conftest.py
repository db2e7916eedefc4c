"""One browser per module for each engine, a fresh tab per test, and a little server of our own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from huggingchat_agent.browser import running_browser
from huggingchat_agent.browser.nodriver import NodriverEngine
from huggingchat_agent.browser.playwright import PlaywrightEngine
from huggingchat_agent.settings import make_settings
from tests.browser.server import Server
from tests.budget import leave_to_soak

if TYPE_CHECKING:
    from huggingchat_agent.exchange import ExchangeEvent

ENGINES = [PlaywrightEngine(), NodriverEngine()]

# What is written once for all engines: of the second, the default run takes every tenth test. What an
# engine does itself is in tests/contract, on all of them.
SHARED = ("test_verbs", "test_hazards", "test_secrets", "test_tabs", "test_tap_through")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    spared = [
        item
        for item in items
        if item.path.parent == Path(__file__).parent
        and item.path.stem in SHARED
        and getattr(item, "callspec", None)
        and item.callspec.params.get("engine") not in (None, ENGINES[0])
    ]
    del spared[::10]
    leave_to_soak(config, items, spared)


class Seen:
    """A sink that a test can wait on."""

    def __init__(self) -> None:
        self.events: list[ExchangeEvent] = []
        self._more = asyncio.Event()

    def __call__(self, event: ExchangeEvent) -> None:
        self.events.append(event)
        self._more.set()

    def of(self, url: str) -> list[ExchangeEvent]:
        """The events of the last exchange with that address."""
        ids = [each.exchange_id for each in self.events if getattr(each, "url", None) == url]
        return [each for each in self.events if ids and each.exchange_id == ids[-1]]

    def body(self, url: str) -> bytes:
        return b"".join(getattr(each, "data", b"") for each in self.of(url) if type(each).__name__ == "Chunk")

    async def until(self, true) -> None:
        async with asyncio.timeout(10):
            while not true():
                self._more.clear()
                await self._more.wait()

    async def ended(self, url: str) -> list[ExchangeEvent]:
        """Wait until the exchange with that address is over; its events."""
        await self.until(lambda: (of := self.of(url)) and type(of[-1]).__name__ in ("Ended", "Failed"))
        return self.of(url)


@pytest.fixture(scope="module", params=ENGINES, ids=lambda engine: engine.name)
def engine(request):
    return request.param


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server():
    server = Server()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="module")
def chosen(server, tmp_path_factory):
    return make_settings(base_url=f"{server.origin}/chat", home=tmp_path_factory.mktemp("home"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(engine, chosen):
    browser = await engine.start(chosen, None)
    yield browser
    await browser.close()


@pytest.fixture
def seen():
    return Seen()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser, seen):
    page = await browser.new_page(seen)
    yield page
    await page.close()


@pytest.fixture
def quick_start(monkeypatch):
    """A bound of starting that is short enough to wait for."""
    monkeypatch.setattr(running_browser, "START_SECONDS", 1.0)


@pytest.fixture
def quick_close(monkeypatch):
    """A bound of closing that is short enough to wait for."""
    monkeypatch.setattr(running_browser, "CLOSE_SECONDS", 1.0)
