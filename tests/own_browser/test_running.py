"""`connect="auto"`: the person's running browser is found, used, and left as it was."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from typing import Any

import pytest
import pytest_asyncio

from huggingchat_agent import HuggingChat
from huggingchat_agent.browser import persons_browser
from huggingchat_agent.browser.persons_browser import find_running, is_ours
from huggingchat_agent.errors import BrowserError, LoginError, SettingsError, UsageError
from huggingchat_agent.settings import make_settings
from tests.asking import ask_before
from tests.persons import Persons

ADDRESS = "/devtools/browser/0d0c2b8e-1111-4222-8333-444455556666"


@pytest.fixture
def port():
    """A port of ours that listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def write_down(folder, port, path=ADDRESS):
    """What a browser leaves in its profile folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "DevToolsActivePort").write_text(f"{port}\n{path}")


@pytest.fixture
def foreign_port():
    """A port where a process of another user listens."""
    if os.getuid():
        pytest.skip("only root can start a process of another user")
    program = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534); "
        "s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdin=-1, stdout=-1, text=True)
    assert process.stdout is not None
    yield int(process.stdout.readline())
    process.communicate()


linux = pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")


@linux
def test_one_browser_is_found_by_what_it_has_written_down(config, port):
    write_down(config / "microsoft-edge", port)
    found = find_running("auto")
    assert (found.title, found.port) == ("Edge", port)
    assert found.endpoint.address == f"ws://127.0.0.1:{port}{ADDRESS}"
    assert str(found) == f"Edge (port {port}, profiles in {config / 'microsoft-edge'})"
    assert find_running("auto:edge") == find_running("auto:msedge") == found
    assert find_running(f"auto:{config / 'microsoft-edge'}").endpoint == found.endpoint


@linux
def test_several_are_refused_with_how_to_name_each(config, port):
    for name in ("google-chrome", "BraveSoftware/Brave-Browser"):
        write_down(config / name, port)
    with pytest.raises(
        BrowserError, match=r"Several of your browsers .*: auto:chrome; .*: auto:brave\."
    ) as caught:
        find_running("auto")
    assert str(config / "google-chrome") in str(caught.value)
    assert find_running("auto:brave").title == "Brave"


@linux
def test_two_folders_of_one_browser_are_named_by_their_paths(config, tmp_path, port):
    snap = tmp_path / "home" / "snap/chromium/common/chromium"
    for folder in (config / "chromium", snap):
        write_down(folder, port)
    with pytest.raises(BrowserError, match=f"auto:{snap}"):
        find_running("auto")
    assert find_running(f"auto:{snap}").folder == snap


@linux
def test_without_a_running_browser_the_error_says_how_to_switch_it_on(config, unused_tcp_port):
    with pytest.raises(
        BrowserError, match=r"None of your browsers .*chrome://inspect/#remote-debugging.*Allow"
    ):
        find_running("auto")
    write_down(config / "google-chrome", unused_tcp_port)  # left by one that has ended
    with pytest.raises(BrowserError, match=f"Chrome lists port {unused_tcp_port}, where no process"):
        find_running("auto")
    with pytest.raises(SettingsError, match="connect names no browser: 'safari'"):
        find_running("auto:safari")


@linux
def test_port_of_another_user_is_not_used(config, foreign_port):
    write_down(config / "google-chrome", foreign_port)
    assert is_ours(foreign_port) is False
    for name in ("auto", "auto:chrome", f"auto:{config / 'google-chrome'}"):
        with pytest.raises(BrowserError, match="where no process of yours listens"):
            find_running(name)


@pytest.mark.skipif(not shutil.which("lsof"), reason="no lsof")
def test_owner_of_a_port_by_lsof(port, foreign_port, unused_tcp_port):
    ask = persons_browser._ask_lsof
    assert (ask(port), ask(foreign_port), ask(unused_tcp_port)) == (True, False, False)


@linux
def test_system_that_does_not_say_whose_a_port_is_wants_the_folder(config, port, monkeypatch):
    write_down(config / "google-chrome", port)
    monkeypatch.setattr(persons_browser, "is_ours", lambda port: None)
    with pytest.raises(BrowserError, match=f"connect to auto:{config / 'google-chrome'}"):
        find_running("auto")
    assert find_running(f"auto:{config / 'google-chrome'}").port == port


@linux
@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"x",
        b"9222",
        b"0\n/devtools/browser/a",
        b"99999\n/devtools/browser/a",
        b"9222\n/elsewhere",
        b"\xff\n",
    ],
)
def test_damaged_file_is_no_browser(config, written):
    folder = config / "chromium"
    folder.mkdir()
    (folder / "DevToolsActivePort").write_bytes(written)
    with pytest.raises(BrowserError, match=r"None of your browsers accepts a connection\. In Chrome"):
        find_running("auto")


def test_auto_stands_alone_and_without_isolated():
    assert make_settings(connect="auto").searched
    assert make_settings(connect=["auto:chrome"]).searched
    assert make_settings(connect="auto").own_cookies
    assert not make_settings(connect="http://127.0.0.1:9222").searched
    for wrong in (["auto", "http://127.0.0.1:9222"], "automatic"):
        with pytest.raises(SettingsError, match="connect is not the address of a browser"):
            make_settings(connect=wrong)
    with pytest.raises(SettingsError, match="Leave out isolated"):
        make_settings(connect="auto", isolated=True)


@pytest_asyncio.fixture
async def asking(tmp_path):
    """A person's browser behind its question, and its address in the file where that browser would be."""
    folder, place = tmp_path / "person", tmp_path / "config" / "google-chrome"
    for each in (folder, place):
        each.mkdir(parents=True)
    async with Persons(folder) as persons, ask_before(persons, folder, place) as asking:
        yield persons, asking


@linux
@pytest.mark.browser
@pytest.mark.either_engine
@pytest.mark.parametrize("engine", ["playwright", "nodriver"])
async def test_persons_browser_is_used_over_one_connection_and_nothing_is_typed_there(
    engine, config, asking, site, tmp_path, caplog
):
    caplog.set_level("INFO", "huggingchat_agent")
    persons, asked = asking
    session = site.control.open_session()["cookies"]
    before = persons.tabs()
    logins = site.control.logins
    given = {"engine": engine, "connect": "auto", "base_url": site.url, "home": tmp_path / "home"}
    async with asyncio.timeout(60):
        opening = asyncio.create_task(HuggingChat(username="ada", password="correct horse", **given).open())
        await asked.question.wait()
        assert not opening.done()  # it waits for the person
        asked.allow.set()
        chat = await opening
    try:
        assert f"Connecting to Chrome (port {find_running('auto').port}" in caplog.text
        with pytest.raises(LoginError, match="types no password there"):
            await chat.login()
        with pytest.raises(UsageError, match="Cookies cannot be imported"):
            await chat.login(cookies={"hf-chat": "x"})
        # The person signs in, at the app and elsewhere.
        elsewhere = {"name": "bank", "value": "s3cret-of-the-bank", "domain": "bank.example", "path": "/"}
        browser: Any = chat._session.browser
        await browser._root.send("Storage.setCookies", {"cookies": [*session, elsewhere]})
        assert (await chat.login()).username == "ada"
        answer = await (await chat.new_conversation()).send("hello", via="page")
        assert "You said: hello" in answer.text
        names = {each["name"] for each in (await chat._session.read_state())["cookies"]}
        assert names == {"hf-chat", "token"}
    finally:
        await chat.close()
    assert site.control.logins == logins
    assert asked.asked == 1
    assert b"hf-chat" in asked.heard and b"s3cret-of-the-bank" not in asked.heard
    assert persons.tabs() == before
    assert persons.process.returncode is None
