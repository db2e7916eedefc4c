"""`record`: a person at a window, and a tape of their clicks. The person is another client of the browser."""

import asyncio
import contextlib
import time
from typing import Any

import pytest
from playwright.async_api import async_playwright

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import UsageError
from huggingchat_agent.exchange import Chunk, Failed, Responded, Started
from huggingchat_agent.playback.rerun import Rerun
from huggingchat_agent.setting_values import Record
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.tape.summary import summarize
from tests.cli.shell import Shell

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


class Recording:
    """The command at a terminal, and the person's hand on its window."""

    def __init__(self, terminal, tab):
        self.terminal, self.tab = terminal, tab

    async def ask(self, text):
        if await (start := self.tab.get_by_role("button", name="Start chatting")).count():
            await start.click()
        await self.tab.get_by_placeholder("Ask anything").click()
        await self.tab.keyboard.type(text)
        await self.tab.keyboard.press("Enter")
        await self.tab.get_by_text(f"You said: {text}").wait_for(timeout=30_000)

    async def sees(self, text):
        await asyncio.to_thread(self.terminal.expect, text)


@pytest.fixture
def recording(stand_in, saved_home, display, unused_tcp_port):
    """`async with recording("--full", path) as it`: the command runs, and the person is at the window."""

    @contextlib.asynccontextmanager
    async def record(*arguments):
        shell = Shell(stand_in.url, saved_home)
        environment = shell.environment(
            {"DISPLAY": display, "HUGGINGCHAT_BROWSER_ARGS": f"--remote-debugging-port={unused_tcp_port}"}
        )
        environment.pop("WAYLAND_DISPLAY", None)
        with shell.terminal("record", *map(str, arguments), environment=environment) as terminal:
            await asyncio.to_thread(terminal.expect, "Recording. Close the window")
            async with async_playwright() as playwright:
                browser = await playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{unused_tcp_port}")
                tabs = [tab for context in browser.contexts for tab in context.pages]
                tab = next(tab for tab in tabs if tab.url.startswith(stand_in.url))
                yield Recording(terminal, tab)

    return record


def on(path):
    loaded = Tape(path).load()
    assert loaded.trouble is None
    log = [each.event for each in loaded.records if isinstance(each, tapes.Event)]
    texts = [each["answer"]["text"] for each in log if each["event"] == "answer"]
    return loaded, texts


async def test_clicks_of_a_person_are_on_the_tape_that_ends_with_the_window(recording, tmp_path):
    path = tmp_path / "run.tape"
    async with recording("--full", path) as it:
        await it.ask("hello there")
        await it.sees("Turn 1: finished")
        await it.ask("and once more")
        await it.sees("Turn 2: finished")
        await it.tab.close()
        assert await asyncio.to_thread(it.terminal.code) == 0
        assert it.terminal.shown.rstrip().endswith("run.tape")
    loaded, texts = on(path)
    assert loaded.complete and loaded.header.full
    assert [text.split(" [")[0] for text in texts] == ["You said: hello there", "You said: and once more"]
    asked = {each.url for each in loaded.records if isinstance(each, tapes.Request)}
    assert any(url.endswith("/api/v2/user") for url in asked)  # for login(), which nobody called
    with pytest.raises(UsageError, match="A person sent 'hello there'"):
        async for _ in Rerun(path, speed=0):
            raise AssertionError


async def test_service_worker_of_a_page_is_on_a_full_tape_which_a_browser_then_replays(tmp_path):
    """No tab reports its script, nor what it cached."""
    path = tmp_path / "run.tape"
    with StandIn(login=False, service_worker=True) as site:
        async with HuggingChat(base_url=site.url, home=tmp_path, record=Record(path, full=True)) as chat:
            await chat.login()
            await (await chat.new_conversation()).send("hello", via="page")
    found = {each.path for each in summarize(Tape(path).load()).exchanges if each.ended is not None}
    assert {"/chat/service-worker.js", "/chat/_assets/logo.svg?cached"} <= found
    names = [event.name async for event in Rerun(path, speed=0)]
    assert "finished" in names


async def test_scripts_of_workers_and_what_was_cut_off_are_on_a_full_tape_although_the_last_tab_was_closed(
    stand_in, saved_home, tmp_path
):
    """The site has no worker. A script that speaks of one stands for it, and a script that is there."""
    path = tmp_path / "run.tape"
    given = {"base_url": stand_in.url, "home": saved_home}
    async with HuggingChat(**given, record=Record(path, full=True)) as chat:
        of: dict[str, Any] = {"exchange_id": "x", "page": "p", "at": time.monotonic()}
        url = f"{stand_in.url}/_assets/main.js"
        start = Started(**of, method="GET", url=url, kind="script", headers={})
        answer = Responded(**of, status=200, mime="text/javascript", headers={})
        text = Chunk(**of, data=b"new Worker('./answer.js?worker.js')")
        left = Started(
            **of | {"exchange_id": "y"}, method="GET", url=f"{url}?left", kind="script", headers={}
        )
        begun = Responded(**of | {"exchange_id": "y"}, status=200, mime="text/javascript", headers={})
        gone = Failed(**of | {"exchange_id": "y"}, reason="the tab is gone")
        for each in (start, answer, text, left, begun, gone):
            chat._traffic.put(each)
        await (await chat._session.tabs.get_shared()).close()
    whole = {each.request.url for each in summarize(Tape(path).load()).exchanges if each.ended is not None}
    assert {f"{stand_in.url}/_assets/answer.js?worker.js", f"{url}?left"} <= whole


async def test_ctrl_c_ends_a_recording_with_a_whole_tape(recording, tmp_path):
    path = tmp_path / "run.tape"
    async with recording(path) as it:
        await it.ask("hello there")
        await it.sees("Turn 1: finished")
        it.terminal.interrupt()
        assert await asyncio.to_thread(it.terminal.code) == 0
        assert it.terminal.shown.rstrip().endswith("run.tape")
    loaded, texts = on(path)
    assert loaded.complete
    assert [text.split(" [")[0] for text in texts] == ["You said: hello there"]


async def test_second_ctrl_c_does_not_wait_and_is_no_success(recording, tmp_path):
    path = tmp_path / "run.tape"
    async with recording("--full", path) as it:
        it.terminal.type("\x03")
        await it.sees("Closing the tape")
        it.terminal.type("\x03")
        assert await asyncio.to_thread(it.terminal.code) == 130
        incomplete = "the tape is incomplete" in it.terminal.shown
    assert Tape(path).load().complete is not incomplete
