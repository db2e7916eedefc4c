"""A real browser for the stand-in's pages, driven by Playwright alone."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest_asyncio
from playwright.async_api import async_playwright

from huggingchat_agent.browser.executable import find_executable
from tests.site.client import open_signed_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

    from fixtures.site import StandIn


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser per module; its tests share the module's loop."""
    found = find_executable()
    assert found is not None, "no browser to test the pages with: run scripts/setup"
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=found.path, args=["--no-sandbox"] if root else []
        )
        yield launched
        await launched.close()


@asynccontextmanager
async def tab(
    browser: Browser, site: StandIn, *, user: bool = True, welcomed: bool = True
) -> AsyncIterator[Page]:
    """A fresh tab with cookies of its own: signed in or not, the welcome dialog seen or not."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, ignore_https_errors=True)
    if user:
        async with open_signed_in(site) as client:
            if welcomed:
                await client.post("/settings", {"welcomeModalSeen": True})
            known = client.cookies().items()
            await context.add_cookies(
                [{"name": name, "value": value, "url": site.origin} for name, value in known]
            )
    page = await context.new_page()
    try:
        yield page
    finally:
        await context.close()


async def alive(page: Page) -> Page:
    """Wait until the page's scripts have taken hold of it."""
    await page.wait_for_selector("html[data-hydrated]")
    return page


def composer(page: Page):
    return page.get_by_role("textbox", name="Ask anything")


def send_button(page: Page):
    return page.get_by_role("button", name="Send message")
