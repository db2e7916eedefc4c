"""A browser that runs already: used, and left as it was found."""

import asyncio
import json
import os
import signal
import subprocess
import time

import pytest
import pytest_asyncio

from huggingchat_agent import HuggingChat
from huggingchat_agent.browser.running_browser import CLOSE_SECONDS
from huggingchat_agent.browser.sandbox import detect_sandbox
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


async def test_persons_browser_that_ends_is_told(started, persons):
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
async def test_nobody_there_is_told_with_what_to_do(started, address, unused_tcp_port):
    tasks = asyncio.all_tasks()
    with pytest.raises(BrowserError, match="--remote-debugging-port=9222") as caught:
        await started(connect=address.format(port=unused_tcp_port))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert asyncio.all_tasks() == tasks


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def playwright_server(tmp_path_factory):
    """The server that Playwright's own driver can be, with this machine's browser; its address."""
    from playwright._impl._driver import compute_driver_executable, get_driver_env

    config = tmp_path_factory.mktemp("server") / "config.json"
    options = {"executablePath": program(), "headless": True, "chromiumSandbox": detect_sandbox().on}
    config.write_text(json.dumps(options))
    driver = compute_driver_executable()
    process = await asyncio.create_subprocess_exec(
        *driver,
        "launch-server",
        "--browser",
        "chromium",
        "--config",
        str(config),
        stdout=subprocess.PIPE,
        env=get_driver_env(),
        start_new_session=True,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        address = (await process.stdout.readline()).decode().strip()
    yield address
    process.terminate()
    await process.wait()


async def test_playwright_server_is_used(engine, account, tmp_path, playwright_server, able):
    assert playwright_server.startswith("ws://")
    with able("playwright_server"):
        async with HuggingChat(engine=engine, connect=playwright_server, home=tmp_path, **account) as chat:
            await chat.login()
            assert "You said: hello" in (await (await chat.new_conversation()).send("hello", via="ui")).text
