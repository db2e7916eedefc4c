"""The pages held against the recorded accessibility trees of the real ones."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

import pytest

from tests.site.client import open_signed_in
from tests.site.conftest import alive, composer, tab
from tests.site.replay import FOLDER

if TYPE_CHECKING:
    from playwright.async_api import FilePayload

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

ALLOWED: dict[str, dict[str, str]] = {}
"""Lines in which a tree may differ, as `+` (ours alone) or `-` (recorded alone), and why."""


def normalize(tree: str) -> list[str]:
    """A tree without what differs from run to run: addresses, ids, moments, how many tokens there were."""
    tree = re.sub(r"https?://[^/\s]+/", "https://huggingface.co/", tree)
    tree = re.sub(r"[0-9a-f]{24}", "ID", tree)
    tree = re.sub(r" path=[0-9a-f]{8}\]", "]", tree)
    tree = re.sub(r"\d+@\d+\.\d+", "N@T", tree)
    lines = [line.rstrip() for line in tree.strip().split("\n")]
    kept: list[str] = []
    for line in lines:
        if "N@T" not in line or line not in kept[-2:]:
            kept.append(line)
    return kept


def list_titles(tree: str) -> list[str]:
    """The conversations in the sidebar, from the top."""
    return re.findall(r'- link "([^"]+)":\n    - /url: /chat/conversation/', tree)


def read_recorded(state: str) -> str:
    return (FOLDER / f"{state}.aria.yaml").read_text(encoding="utf-8")


async def make_conversations(site, names):
    """Conversations with these titles in the sidebar, the first one on top."""
    async with open_signed_in(site) as client:
        for title in reversed(names):
            conversation_id, _ = await client.create()
            path = f"{site.url}/api/v2/conversations/{conversation_id}"
            async with client.http.patch(path, json={"title": title}) as response:
                assert response.status == 200


async def list_differences(page, state):
    """Lines that are only in our tree or only in the recorded one, the allowed ones left out."""
    tree = await page.locator("body").aria_snapshot()
    found = {
        f"{line[0]} {line[2:].strip()}"
        for line in difflib.ndiff(normalize(read_recorded(state)), normalize(tree))
        if line[0] in "+-"
    }
    allowed = set(ALLOWED.get(state, {}))
    return sorted(found - allowed) + [f"no longer differs: {line}" for line in allowed - found]


async def test_first_visit(browser, site):
    async with tab(browser, site, welcomed=False) as page:
        await page.goto(f"{site.url}/")
        assert await list_differences(await alive(page), "first-visit") == []


async def test_home(browser, site):
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        assert await list_differences(await alive(page), "home") == []


async def test_home_before_the_scripts_have_run(browser, open_site):
    site = open_site(hydration_delay=60)
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        assert await list_differences(page, "home") == []


async def test_home_signed_out(browser, site):
    async with tab(browser, site, user=False) as page:
        await page.goto(f"{site.url}/")
        assert await list_differences(await alive(page), "signed-out-home") == []


async def test_conversation_after_two_turns(browser, site):
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        for text in ("hello there", "and again"):
            await composer(page).fill(text)
            await page.keyboard.press("Enter")
            await page.get_by_text(f"You said: {text} [history").wait_for()
            await page.locator(".send").wait_for()
        await page.get_by_text("Hello there", exact=True).wait_for(state="attached")
        assert await list_differences(page, "conversation") == []


async def test_conversation_while_it_is_answered(browser, site):
    names = list_titles(read_recorded("generating"))
    await make_conversations(site, names[1:])
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await (await alive(page)).bring_to_front()
        await composer(page).fill(names[0])
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name=names[0], exact=True).wait_for()
        await page.locator(".body a").nth(5).wait_for()
        assert await list_differences(page, "generating") == []


async def test_home_with_files_attached(browser, site):
    await make_conversations(site, list_titles(read_recorded("attached")))
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        picture: FilePayload = {"name": "dot.png", "mimeType": "image/png", "buffer": b"\x89PNG"}
        note: FilePayload = {"name": "note.txt", "mimeType": "text/plain", "buffer": b"hello file"}
        await page.set_input_files("input[type=file]", [picture, note])
        assert await list_differences(page, "attached") == []


async def test_model_page(browser, site):
    await make_conversations(site, list_titles(read_recorded("model-page")))
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/models/Qwen/Qwen2.5-VL-7B-Instruct")
        assert await list_differences(await alive(page), "model-page") == []


async def test_every_recorded_tree_is_compared():
    compared = {
        "first-visit",
        "home",
        "signed-out-home",
        "conversation",
        "generating",
        "attached",
        "model-page",
    }
    assert {path.name.removesuffix(".aria.yaml") for path in FOLDER.glob("*.aria.yaml")} == compared
    assert set(ALLOWED) <= compared
