"""`bind`: a person sees and uses the headless browser beside the agent."""

import asyncio
import json
import os
import stat
import sys
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from huggingchat_agent import HuggingChat
from huggingchat_agent.browser import abilities
from huggingchat_agent.browser.bound import _make_private
from huggingchat_agent.errors import BrowserError, SettingsError, UsageError
from huggingchat_agent.settings import make_settings
from huggingchat_agent.state.storage import SavedSession
from tests.cli.shell import Shell
from tests.gate import open_gate


@pytest.mark.parametrize("other", [{"connect": "http://127.0.0.1:9222"}, {"user_data_dir": "/tmp/x"}])
def test_browser_that_is_not_all_ours_is_not_bound(other):
    (name,) = other
    with pytest.raises(SettingsError, match=f"bind is for .* temporary profile.* Leave out {name}"):
        make_settings(bind="office", **other)


def test_name_is_plain_and_the_engine_playwright():
    for wrong in ("../office", "a b", "--playwright-internal"):
        with pytest.raises(SettingsError, match="bind is not a plain name"):
            make_settings(bind=wrong)
    with pytest.raises(SettingsError, match=r"nodriver .*does not support bind\. Use engine=\"playwright\""):
        abilities.check("nodriver", make_settings(bind="office"))
    abilities.check("playwright", make_settings(bind="office"))


async def test_person_without_a_window_and_without_bind_cannot_sign_in(tmp_path):
    assert make_settings(bind="office").shown
    assert not make_settings().shown
    chat = HuggingChat(home=tmp_path)
    with pytest.raises(UsageError):
        await chat.login(by_person=True)


def test_folder_that_others_may_have_made_is_not_used(tmp_path):
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    _make_private(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(BrowserError, match="cannot be used to bind"):
        _make_private(tmp_path / "link")


PROXY = "http://ada%40work:p%3Aw%2F1234567@"


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """Where Playwright registers browsers, and a secret in the environment."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SOME_TOKEN", "s3cret-of-the-environment")
    return tmp_path / "cache" / "ms-playwright" / "b"


async def find_bound(registry, gate):
    """Path of the socket, once it is registered: for us alone, and without a secret."""
    async with asyncio.timeout(30):
        while True:
            entries = list(registry.iterdir()) if registry.exists() else []
            if entries and entries[0].stat().st_mode & 0o777 == 0o600 and entries[0].read_text():
                break
            await asyncio.sleep(0.05)  # another process writes it
    (entry,) = entries
    assert registry.stat().st_mode & 0o777 == 0o700
    written = entry.read_text()
    for secret in ("1234567", "ada@work", "s3cret", "HUGGINGCHAT", gate.address):
        assert secret not in written
    known = json.loads(written)
    socket = Path(known["endpoint"])
    assert stat.S_ISSOCK(os.stat(socket).st_mode)
    assert known["title"] == "office"
    folder = socket.parents[2]
    assert (folder.stat().st_uid, folder.stat().st_mode & 0o777) == (os.getuid(), 0o700)
    return socket


async def sign_in(person):
    """Fill in the pages that the other client of that browser sees."""
    async with asyncio.timeout(30):
        while not (pages := [page for context in person.contexts for page in context.pages]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # the agent opens it after the browser is bound
    (page,) = pages
    await page.fill("input[name=username]", "ada")
    await page.fill("input[name=password]", "correct horse")
    await page.click("form[action='/login'] button")
    consent = page.locator("form[action^='/oauth/authorize'] button.main")
    await consent.or_(page.locator("textarea")).first.wait_for()  # it asks once
    if await consent.is_visible():
        await consent.click()


@pytest.mark.browser
async def test_command_waits_until_a_person_has_signed_in_over_the_socket(site, tmp_path, registry):
    shell = Shell(site.url, tmp_path / "state")
    async with open_gate(site.url) as gate, async_playwright() as playwright:
        shell.more = {"HUGGINGCHAT_PROXY": f"{PROXY}{gate.address}"}
        with shell.start("login", "--bind", "office") as process:
            socket = await find_bound(registry, gate)
            person = await playwright.chromium.connect(str(socket))
            await sign_in(person)
            out, err = await asyncio.to_thread(process.communicate)
        said = (out + err).decode()
    assert process.returncode == 0, said
    assert "-m playwright cli attach office" in said
    assert f"Signed in at {site.url} as ada" in said
    assert list(registry.iterdir()) == [] and not socket.parents[2].exists()
    assert SavedSession(shell.home / "profiles" / "default").load() is not None


@pytest.mark.browser
@pytest.mark.long
async def test_agent_goes_on_when_the_person_has_left(site, tmp_path, registry):
    async with open_gate(site.url) as gate, async_playwright() as playwright:
        proxy = f"{PROXY}{gate.address}"
        async with HuggingChat(base_url=site.url, home=tmp_path, bind="office", proxy=proxy) as chat:
            socket = await find_bound(registry, gate)
            # The command of the documentation finds it by its name.
            tool = (sys.executable, "-m", "playwright", "cli", "list", "--all")
            process = await asyncio.create_subprocess_exec(*tool, stdout=-1, cwd=tmp_path)
            assert b'browser "office"' in (await process.communicate())[0]

            login = asyncio.create_task(chat.login(by_person=True))
            person = await playwright.chromium.connect(str(socket))
            await sign_in(person)
            assert (await login).username == "ada"
            await person.close()
            assert (await chat.status()).signed_in
        assert gate.let_in > 5
    assert list(registry.iterdir()) == [] and not socket.parents[2].exists()
