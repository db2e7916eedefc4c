"""Started and stopped many times, or killed: no process, no folder, no task stays behind."""

import asyncio
import os
import signal
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import pytest

from huggingchat_agent.browser import process_tag
from tests.browser.conftest import Seen
from tests.signed_in import save_session

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not Path("/proc").exists(), reason="processes are counted by /proc"),
]

LATER = 5.0  # seconds after which nothing may be left


@pytest.fixture
def temporary(monkeypatch):
    """A folder that drivers and browsers take for the temporary one; its path short, as they need it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


@pytest.fixture
def times(request):
    return 50 if request.config.getoption("--soak") else 2


def read_state(process):
    """Its letter in /proc, "" if there is no such process: a zombie has one too."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


async def list_leftovers(processes, known, folder):
    """What is left of them; empty if nothing is, at LATER at the latest. A zombie's tag cannot be read, its
    state can.
    """
    until = time.monotonic() + LATER
    while True:
        found = {
            each: read_state(each)
            for each in {*processes, *process_tag.find_processes(known)}
            if read_state(each)
        }
        found |= {each.name: "folder" for each in folder.iterdir()}
        if not found or time.monotonic() > until:
            return found
        await asyncio.sleep(0.02)


async def test_starts_and_stops_leave_nothing(started, temporary, times):
    tasks = asyncio.all_tasks()
    alive = {}
    for _ in range(times):
        browser = await started()
        page = await browser.new_page(Seen())
        assert await page.evaluate("() => 1 + 1", timeout=10) == 2
        alive[browser.tag] = process_tag.find_processes(browser.tag)
        await browser.close()
        assert asyncio.all_tasks() == tasks
    assert min(len(each) for each in alive.values()) > 1  # else nothing was counted
    for known, processes in alive.items():
        assert await list_leftovers(processes, known, temporary) == {}


async def test_killed_program_leaves_nothing(engine, account, site, temporary, tmp_path):
    """In the middle of an answer, with no chance to clear up."""
    save_session(site, tmp_path)
    script = f"""
        import asyncio
        from huggingchat_agent import HuggingChat

        async def main():
            async with HuggingChat(engine={engine!r}, home={str(tmp_path)!r}, **{account!r}) as chat:
                await chat.login()
                reply = (await chat.new_conversation()).send("count 2000 every 20", via="page")
                async for event in reply:
                    if event.name == "token":
                        print(chat._session.browser.tag, flush=True)

        asyncio.run(main())
        """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(script), stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    known = (await process.stdout.readline()).decode().strip()
    alive = process_tag.find_processes(known)
    assert known
    assert len(alive) > 1
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    assert await list_leftovers(alive, known, temporary) == {}
