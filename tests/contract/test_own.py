"""The browser that we start: with a window, through a proxy, with the user's profile folder and switches."""

import asyncio
import json
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from huggingchat_agent import HuggingChat
from huggingchat_agent.browser import process_tag
from huggingchat_agent.browser.protocols import Control
from huggingchat_agent.errors import BrowserClosed, BrowserError, BrowserMissing, SettingsError, SiteError
from tests.gate import open_gate
from tests.signed_in import save_session

pytestmark = [pytest.mark.browser, pytest.mark.either_engine, pytest.mark.asyncio(loop_scope="module")]


async def test_window_is_shown_and_used(engine, account, site, on_screen, tmp_path):
    save_session(site, tmp_path)
    async with HuggingChat(engine=engine, headless=False, home=tmp_path, **account) as chat:
        await chat.login()
        page = await chat._session.tabs.get_shared()
        agent = await page.evaluate("() => navigator.userAgent", timeout=10)
        assert "Headless" not in agent
        assert "You said: hello" in (await (await chat.new_conversation()).send("hello", via="ui")).text


def close_tab(port, url):
    """Close a tab as a person does in the window, by a second client of the browser."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
        id = next(each["id"] for each in json.load(answer) if each["url"] == url)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/close/{id}"):
        pass


async def test_window_that_a_person_closes_is_reported(started, on_screen, site, unused_tcp_port):
    browser = await started(headless=False, browser_args=[f"--remote-debugging-port={unused_tcp_port}"])
    try:
        page = await browser.new_page(lambda event: None)
        await page.goto(f"{site.url}/", timeout=15)
        waiting = asyncio.ensure_future(page.wait("() => false", timeout=60))
        await asyncio.to_thread(close_tab, unused_tcp_port, await page.read_address())
        with pytest.raises(BrowserClosed):
            async with asyncio.timeout(15):
                await waiting
        assert page.closed
    finally:
        await browser.close()


async def test_no_display_is_reported_with_what_to_do(started, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(BrowserError, match="no display"):
        await started(headless=False)


async def test_display_that_is_not_there_is_reported_with_what_to_do(started, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":9317")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(BrowserError, match="no display"):
        await started(headless=False)


# Whom a browser asks of its own accord; docs/engines.md says so.
BY_ITSELF = {"accounts.google.com:443"}


def read_command_lines(browser):
    return [Path(f"/proc/{each}/cmdline").read_bytes() for each in process_tag.find_processes(browser.tag)]


@pytest_asyncio.fixture(loop_scope="module")
async def gate(site):
    async with open_gate(site.url) as gate:
        yield gate


async def test_proxy_gets_the_credentials_and_nobody_else_does(engine, account, gate, tmp_path, caplog, able):
    caplog.set_level("DEBUG")
    given = {"engine": engine, "home": tmp_path, "proxy": f"http://ada%40work:p%3Aw%2F1234567@{gate.address}"}
    with able("proxy"):
        async with HuggingChat(**account, **given) as chat:
            await chat.login()
            assert "You said: hello" in (await (await chat.new_conversation()).send("hello", via="ui")).text
            browser: Any = chat._session.browser
            lines = read_command_lines(browser)
            assert any(gate.address.encode() in each for each in lines)
        assert gate.let_in > 5
        assert gate.asked - BY_ITSELF == {urlsplit(account["base_url"]).netloc}
        assert "1234567" not in repr(chat.settings)
        for secret in ("1234567", "ada@work", "ada%40work"):
            assert not any(secret.encode() in each for each in lines)
            assert secret not in caplog.text
        assert "Input.insertText" not in caplog.text  # nor any other message to the browser


async def test_proxy_that_refuses_is_reported(started, gate, site):
    browser = await started(proxy=f"http://ada:wrong-password@{gate.address}")
    try:
        page = await browser.new_page(lambda event: None)
        with pytest.raises(SiteError, match="proxy") as caught:
            await page.goto(f"{site.url}/", timeout=15)
        assert "wrong-password" not in str(caught.value)
    finally:
        await browser.close()
    assert gate.let_in == 0


async def test_profile_folder_keeps_what_is_in_it(started, site, able):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, able("user_data_dir"):
        for kept in (None, "once=1"):
            browser = await started(user_data_dir=folder)
            try:
                page = await browser.new_page(lambda event: None)
                await page.goto(f"{site.url}/", timeout=15)
                assert (await page.evaluate("() => document.cookie", timeout=10) or None) == kept
                set_it = "() => { document.cookie = 'once=1; max-age=9999; path=/' }"
                await page.evaluate(set_it, timeout=10)
                names = {each["name"] for each in (await browser.storage_state())["cookies"]}
                assert "once" in names
            finally:
                await browser.close()
            assert process_tag.find_processes(browser.tag) == []
        assert (Path(folder) / "Default").is_dir()


async def test_default_profile_of_chrome_is_refused_with_the_reason(started, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(BrowserError, match="Since version 136"):
        await started(user_data_dir=tmp_path / ".config" / "google-chrome")


LOOKS = """() => [innerWidth, innerHeight, navigator.language, navigator.userAgent, devicePixelRatio,
    Intl.DateTimeFormat().resolvedOptions().timeZone, matchMedia("(prefers-color-scheme: dark)").matches]"""


async def test_pages_are_opened_as_context_args_say(started, able, site, open_site, tmp_path):
    asked = {
        "viewport": {"width": 811, "height": 533},
        "device_scale_factor": 2,
        "locale": "de-DE",
        "timezone_id": "Asia/Tokyo",
        "user_agent": "Somebody/1.0",
        "color_scheme": "dark",
        "extra_http_headers": {"x-asked-by": "a test"},
        "ignore_https_errors": True,
    }
    secured = open_site(tls=True)
    with able("context_args"):
        for more in ({}, {"user_data_dir": tmp_path / "folder"}):
            browser = await started(context_args=asked, **more)
            seen: list[Any] = []
            try:
                page = await browser.new_page(seen.append)
                await page.goto(f"{secured.url}/", timeout=15)
                shown = await page.evaluate(LOOKS, timeout=10)
                await page.goto(f"{site.url}/", timeout=15)
            finally:
                await browser.close()
            assert shown == [811, 533, "de-DE", "Somebody/1.0", 2, "Asia/Tokyo", True]
            assert seen[0].headers["x-asked-by"] == "a test"


async def test_browser_without_a_window_has_a_mouse_that_can_hover(started):
    # What an app shows where the pointer is, such as the Edit of a message, it shows to no browser without.
    browser = await started()
    try:
        page = await browser.new_page(lambda event: None)
        asked = "() => ['(hover: hover)', '(pointer: fine)'].map((each) => matchMedia(each).matches)"
        assert await page.evaluate(asked, timeout=10) == [True, True]
    finally:
        await browser.close()


async def test_gestures_are_apart_by_the_time_asked_for(started, site):
    browser = await started(slow_mo=400)
    try:
        page = await browser.new_page(lambda event: None)
        await page.goto(f"{site.url}/", timeout=15)
        made = """() => {
            window.log = [];
            document.body.innerHTML = "<textarea></textarea><button>Go</button>";
            for (const kind of ["input", "click"])
                document.addEventListener(kind, (event) => log.push([event.target.tagName, event.timeStamp]));
        }"""
        await page.evaluate(made, timeout=10)
        await page.insert_text("textarea", "hello", timeout=10)
        await page.click(Control("button", "Go"), timeout=10)
        log = dict(await page.evaluate("() => log", timeout=10))
        assert log["BUTTON"] - log["TEXTAREA"] >= 400
    finally:
        await browser.close()


async def test_switches_reach_the_browser(started, able):
    with able("browser_args"):
        browser = await started(browser_args=["--user-agent=Somebody/1.0"])
        try:
            page = await browser.new_page(lambda event: None)
            assert await page.evaluate("() => navigator.userAgent", timeout=10) == "Somebody/1.0"
        finally:
            await browser.close()


async def test_channel_is_found_or_said_not_to_be_there(started):
    browser = await started(channel="chromium")
    await browser.close()
    with pytest.raises(BrowserMissing, match="chrome-canary is not installed"):
        await started(channel="chrome-canary")
    with pytest.raises(SettingsError, match="no channel 'netscape'"):
        await started(channel="netscape")


async def test_missing_driver_is_reported_with_the_command_that_installs_it():
    script = (
        "import sys; sys.modules['nodriver'] = None\n"
        "from huggingchat_agent.browser import load_engine\n"
        "from huggingchat_agent.errors import BrowserMissing\n"
        "try: load_engine('nodriver')\n"
        "except BrowserMissing as error: print(error, error.__context__)\n"
    )
    run = [sys.executable, "-c", script]
    done = await asyncio.to_thread(subprocess.run, run, capture_output=True, text=True)
    assert "pip install nodriver" in done.stdout
    assert done.stdout.rstrip().endswith("None")
