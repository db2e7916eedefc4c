"""A running browser: used, and left as it was found."""

import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import subprocess
import time

import pytest
import pytest_asyncio

from huggingchat_agent import HuggingChat
from huggingchat_agent.browser.running_browser import CLOSE_SECONDS
from huggingchat_agent.browser.sandbox import detect_sandbox
from huggingchat_agent.endpoint import Endpoint
from huggingchat_agent.errors import BrowserClosed, BrowserError
from tests.persons import Persons, program

pytestmark = [pytest.mark.browser, pytest.mark.either_engine, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def persons(tmp_path):
    folder = tmp_path / "person"
    folder.mkdir()
    async with Persons(folder) as persons:
        yield persons


async def test_running_browser_is_used_with_its_own_cookies_and_left_as_it_was(
    engine, account, site, persons, tmp_path, able
):
    before = persons.tabs()
    given = {"engine": engine, "connect": persons.address, "base_url": site.url}
    with able("connect"):
        async with HuggingChat(home=tmp_path / "1", **account | given) as chat:
            await chat.login()
            assert "You said: hello" in (await (await chat.new_conversation()).send("hello", via="ui")).text
            assert len(persons.tabs()) > len(before)
        assert persons.tabs() == before
        assert persons.process.returncode is None
        logins = site.control.logins
        # Another one, with nothing saved: what the person's browser knows is enough.
        async with HuggingChat(home=tmp_path / "2", **given) as chat:
            assert (await chat.login()).username == site.username
            saved = chat._session.saved.load()
        assert persons.tabs() == before
        assert site.control.logins == logins
        assert saved is not None
        host = site.url.split("//")[1].split(":")[0]
        assert {each["domain"].lstrip(".") for each in saved["cookies"]} == {host}


async def test_isolated_knows_nothing_of_the_persons_cookies(engine, account, site, persons, tmp_path, able):
    given = {"engine": engine, "connect": persons.address, "base_url": site.url}
    async with HuggingChat(home=tmp_path / "1", **account | given) as chat:
        await chat.login()
    before = persons.tabs()
    with able("isolated"):
        async with HuggingChat(home=tmp_path / "2", isolated=True, **given) as chat:
            assert not (await chat.status()).signed_in
            account_there = await chat.login(site.username, site.password)
            assert account_there.signed_in
            answer = await (await chat.new_conversation()).send("hello", via="page")
            assert "You said: hello" in answer.text
        assert persons.tabs() == before
        async with HuggingChat(home=tmp_path / "2", isolated=True, **given) as chat:
            assert (await chat.status()).signed_in  # by the session it saved


async def test_other_sites_cookies_of_the_person_are_not_saved_and_closing_is_quick(started, persons, site):
    browser = await started(connect=persons.address)
    try:
        page = await browser.new_page(lambda event: None)
        other = site.origin.replace("127.0.0.1", "localhost")
        assert other != site.origin
        await page.goto(f"{other}/", timeout=10)
        await page.evaluate("() => { document.cookie = 'elsewhere=1' }", timeout=10)
        await page.goto(f"{site.url}/", timeout=10)
        await page.evaluate("() => { document.cookie = 'here=1' }", timeout=10)
        names = {each["name"] for each in (await browser.storage_state())["cookies"]}
    finally:
        began = time.monotonic()
        await browser.close()
    assert time.monotonic() - began < CLOSE_SECONDS, "it waited for a task that does not end"
    assert "here" in names
    assert "elsewhere" not in names


async def test_persons_browser_that_ends_is_reported(started, persons):
    browser = await started(connect=persons.address)
    page = await browser.new_page(lambda event: None)
    lost = asyncio.Event()
    browser.on_closed(lost.set)
    pending = asyncio.ensure_future(page.wait("() => false", timeout=60))
    os.killpg(persons.process.pid, signal.SIGKILL)
    with pytest.raises(BrowserClosed):
        async with asyncio.timeout(10):
            await pending
    async with asyncio.timeout(10):
        await lost.wait()
    await browser.close()


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{port}", "ws://127.0.0.1:{port}/devtools/browser/nothing"]
)
async def test_endpoint_that_does_not_answer_is_reported_with_what_to_do(started, address, unused_tcp_port):
    tasks = asyncio.all_tasks()
    with pytest.raises(BrowserError, match="--remote-debugging-port=9222") as caught:
        await started(connect=address.format(port=unused_tcp_port))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert asyncio.all_tasks() == tasks


@contextlib.asynccontextmanager
async def serving_browsers(folder):
    """The server that Playwright's own driver can be, with our browser: its address and process."""
    from playwright._impl._driver import compute_driver_executable, get_driver_env

    config = folder / "config.json"
    options = {"executablePath": program(), "headless": True, "chromiumSandbox": detect_sandbox().on}
    config.write_text(json.dumps(options))
    process = await asyncio.create_subprocess_exec(
        *compute_driver_executable(),
        *("launch-server", "--browser", "chromium", "--config", str(config)),
        stdout=subprocess.PIPE,
        env=get_driver_env(),
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            address = (await process.stdout.readline()).decode().strip()
        yield address, process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def playwright_server(tmp_path_factory):
    async with serving_browsers(tmp_path_factory.mktemp("server")) as (address, _):
        yield address


async def test_playwright_server_is_used(engine, account, tmp_path, playwright_server, able):
    assert playwright_server.startswith("ws://")
    with able("playwright_server"):
        async with HuggingChat(engine=engine, connect=playwright_server, home=tmp_path, **account) as chat:
            await chat.login()
            assert "You said: hello" in (await (await chat.new_conversation()).send("hello", via="ui")).text


@contextlib.asynccontextmanager
async def running_persons(folder):
    async with Persons(folder) as persons:
        yield persons.address, persons.process


@pytest.mark.parametrize("start", [running_persons, pytest.param(serving_browsers, marks=pytest.mark.soak)])
async def test_another_browser_takes_over_when_one_dies_in_the_middle_of_an_answer(
    engine, account, site, tmp_path, start, unused_tcp_port, caplog
):
    if start is serving_browsers and engine == "nodriver":
        pytest.skip("the engine speaks no Playwright protocol")
    caplog.set_level(logging.INFO, "huggingchat_agent")
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    async with start(folders[0]) as one, start(folders[1]) as two:
        processes = dict([one, two])
        connect = [f"http://127.0.0.1:{unused_tcp_port}", *processes]  # nobody is at the first one
        given = {"engine": engine, "connect": connect, "isolated": True, "home": tmp_path}
        async with HuggingChat(**given, **account) as chat:
            await chat.login()
            shown = re.findall("Connected to the browser at ([^ ]+)[.]", caplog.text)[-1]
            (used,) = (each for each in processes if str(Endpoint(each)) == shown)
            (rest,) = set(processes) - {used}
            reply = (await chat.new_conversation()).send("count 150 every 20", via="page")
            async for event in reply:
                if event.name == "token" and processes[used].returncode is None:
                    os.killpg(processes[used].pid, signal.SIGKILL)
                    await processes[used].wait()
            assert "149@" in (await reply).text
            answer = await (await chat.new_conversation()).send("and now", via="page")
            assert "You said: and now" in answer.text
    assert caplog.text.count(f"Connected to the browser at {Endpoint(rest)}.") == 1
    assert rest not in caplog.text or start is running_persons  # the path of a server is a secret
