"""Every Python block of README and docs, on the stand-in; and none is left out without a reason."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import subprocess
import sys
from itertools import groupby
from typing import Any

import pytest

import huggingchat_agent
from tests.docs.blocks import EXCEPTIONS, PAGES, ROOT, Block, blocks, commands

BLOCKS = [each for each in blocks("python") if each.excepted is None]
TESTS = [each for each in BLOCKS if "import pytest" in each.text or "def test_" in each.text]
OTHERS = [each for each in BLOCKS if each not in TESTS]


def test_every_exception_is_still_one():
    used = {each.excepted for each in [*blocks("python"), *commands()]}
    assert EXCEPTIONS.keys() - used == set()
    named = {path for reason in EXCEPTIONS.values() for path in re.findall(r"tests/[\w/.]+", reason)}
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_pages_are_found():
    assert {"README.md", "testing.md", "api.md"} <= {path.name for path in PAGES}
    assert len(OTHERS) > 8 and len(TESTS) > 4


@pytest.mark.browser
@pytest.mark.parametrize(
    "page", [pytest.param(list(group), id=name) for name, group in groupby(OTHERS, lambda each: each.page)]
)
def test_blocks_of_a_page_run_one_after_the_other(page, scene, capsys):
    asyncio.run(_run(page))
    said = capsys.readouterr().out
    if page[0].page in ("README.md", "docs/hugchat.md"):
        assert said.count("You said:") >= 1


async def _run(page: list[Block]) -> None:
    async with huggingchat_agent.HuggingChat(via="page") as chat:
        await chat.login()
        names: dict[str, Any] = {"chat": chat, "conversation": await chat.new_conversation()}
        names["HuggingChat"] = huggingchat_agent.HuggingChat
        if any("@reply.on" in block.text for block in page):
            names["reply"] = await _send(names["conversation"])
        for block in page:
            code = compile(block.text, block.where, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            if code.co_flags & inspect.CO_COROUTINE:
                await eval(code, names)
            else:  # a program with a loop of its own, or with none
                await asyncio.to_thread(exec, code, names)


async def _send(conversation: huggingchat_agent.Conversation) -> huggingchat_agent.Reply:
    reply = conversation.send("hello")
    await reply
    return reply


CONFTEST = """
import os

import pytest
from playwright.sync_api import sync_playwright


# As pytest-playwright has them, but on the browser that all examples share.
@pytest.fixture(scope="session")
def base_url():
    return os.environ["HUGGINGCHAT_BASE_URL"]

@pytest.fixture(scope="session")
def browser_type_launch_args():
    return {}

@pytest.fixture(scope="session")
def browser_context_args():
    return {}

@pytest.fixture
def page(browser_type_launch_args, browser_context_args):
    assert "channel" in browser_type_launch_args
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(os.environ["HUGGINGCHAT_CONNECT"])
        context = browser.new_context(**browser_context_args)
        yield context.new_page()
        context.close()

"""


@pytest.mark.browser
def test_tests_of_the_pages_pass(scene):
    (scene.folder / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    (scene.folder / "conftest.py").write_text(CONFTEST)
    count = 0
    for (page, section), group in groupby(TESTS, lambda each: (each.page, each.section)):
        text = "\n\n".join(each.text for each in group)
        if "def test_" not in text:
            text += "\n\ndef test_fixture(huggingchat_settings):\n    assert huggingchat_settings\n"
        count += text.count("def test_")
        stem = "".join(each if each.isalnum() else "_" for each in f"{page} {section}".lower())
        (scene.folder / f"test_{stem}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--huggingchat-mode=once"]
    done = subprocess.run(command, cwd=scene.folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{count} passed" in done.stdout
