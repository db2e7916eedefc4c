"""A browser or a site that hangs, and children that outlive us."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from huggingchat_agent.browser import heartbeat, process_tag
from huggingchat_agent.errors import AgentError
from tests.faults.staging import PROMPT, TEXT, Stage
from tests.faults.test_ends import site

__all__ = ["site"]

browser = pytest.mark.browser
soak = pytest.mark.soak
engines = pytest.mark.parametrize(
    "engine", [pytest.param(each, marks=soak) for each in ("playwright", "nodriver")]
)


async def test_silence_is_noticed_and_an_error_is_an_answer(monkeypatch):
    monkeypatch.setattr(heartbeat, "EVERY", 0.01)
    monkeypatch.setattr(heartbeat, "PATIENCE", 0.1)
    asked = 0

    async def ask():
        nonlocal asked
        asked += 1
        if asked < 3:
            raise OSError
        await asyncio.Event().wait()

    async with asyncio.timeout(10):
        await heartbeat.wait_until_silent(ask)
    assert asked >= 3


@browser
@engines
async def test_browser_that_hangs_is_replaced_and_the_answer_goes_on(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(heartbeat, "EVERY", 0.5)
    monkeypatch.setattr(heartbeat, "PATIENCE", 2.0)
    async with Stage(engine, tmp_path) as stage:
        tag = stage.browser.tag
        conversation = await stage.chat.new_conversation()
        reply = conversation.send(PROMPT.replace("every 10", "every 40"), via="page")
        async for event in reply:
            if event.name == "token":
                break
        stopped = [process_tag.Owner.of(each) for each in process_tag.find_processes(tag)]
        for each in stopped:
            os.kill(each.process, signal.SIGSTOP)
        async with asyncio.timeout(60):
            answer = await reply
        assert answer.text.rstrip() == TEXT
        assert stage.browser.tag != tag
        assert not [each for each in stopped if each.alive]
        accepted = [each for each in stage.site.control.accepted if each["conversation"] == conversation.id]
        assert len(accepted) == 1


@browser
@engines
@pytest.mark.parametrize("way", ["ui", "page"])
async def test_close_and_stop_are_bounded_when_the_site_hangs(engine, way, tmp_path):
    stage = Stage(engine, tmp_path)
    async with stage:
        conversation = await stage.chat.new_conversation()
        reply = conversation.send("count 3000 every 10", via=way)
        async for event in reply:
            if event.name == "token":
                break
        stage.proxy.hold()
        began = time.monotonic()
        await reply.stop()
        stopped = time.monotonic() - began
        with pytest.raises(AgentError):
            await reply.answer()
        began = time.monotonic()
        await stage.chat.close()
        assert (stopped < 10, time.monotonic() - began < 10.5) == (True, True)


PROGRAM = """
    import asyncio, os, sys, time
    from huggingchat_agent import HuggingChat

    async def main():
        async with HuggingChat() as chat:
            print(chat._session.browser.tag, flush=True)
            child = os.fork()
            if child == 0:
                {child}
            print(child, flush=True)
            {parent}

    asyncio.run(main())
"""


def run_forking(site, home, engine, child, parent):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HUGGINGCHAT_")}
    environment |= {
        "HUGGINGCHAT_BASE_URL": site.url,
        "HUGGINGCHAT_ENGINE": engine,
        "HUGGINGCHAT_HOME": str(home),
    }
    code = textwrap.dedent(PROGRAM).format(child=child, parent=parent)
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)


@browser
@engines
def test_forked_worker_that_outlives_a_killed_parent_holds_no_browser(site, tmp_path, engine):
    with run_forking(site, tmp_path, engine, "time.sleep(60); os._exit(0)", "time.sleep(60)") as process:
        assert process.stdout is not None
        tag, child = process.stdout.readline().strip(), int(process.stdout.readline())
        try:
            process.kill()
            until = time.monotonic() + 5
            while process_tag.find_processes(tag) and time.monotonic() < until:
                time.sleep(0.1)
            assert process_tag.is_alive(child)
            assert [each for each in process_tag.find_processes(tag) if each != child] == []
        finally:
            os.kill(child, signal.SIGKILL)
