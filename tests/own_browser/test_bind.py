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


@pytest.mark.browser
async def test_person_signs_in_over_the_socket_and_no_secret_is_registered(site, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SOME_TOKEN", "s3cret-of-the-environment")
    registry = tmp_path / "cache" / "ms-playwright" / "b"
    async with open_gate(site.url) as gate, async_playwright() as playwright:
        proxy = f"http://ada%40work:p%3Aw%2F1234567@{gate.address}"
        async with HuggingChat(base_url=site.url, home=tmp_path, bind="office", proxy=proxy) as chat:
            (entry,) = registry.iterdir()
            assert (entry.stat().st_mode & 0o777, registry.stat().st_mode & 0o777) == (0o600, 0o700)
            written = entry.read_text()
            for secret in ("1234567", "ada@work", "s3cret", "HUGGINGCHAT", gate.address):
                assert secret not in written
            known = json.loads(written)
            socket = Path(known["endpoint"])
            folder = socket.parents[2]
            assert stat.S_ISSOCK(os.stat(socket).st_mode)
            assert known["title"] == "office"
            assert (folder.stat().st_uid, folder.stat().st_mode & 0o777) == (os.getuid(), 0o700)

            # The command of the documentation finds it by its name.
            tool = (sys.executable, "-m", "playwright", "cli", "list", "--all")
            process = await asyncio.create_subprocess_exec(*tool, stdout=-1, cwd=tmp_path)
            assert b'browser "office"' in (await process.communicate())[0]

            login = asyncio.create_task(chat.login(by_person=True))
            person = await playwright.chromium.connect(known["endpoint"])
            (page,) = (page for context in person.contexts for page in context.pages)
            await page.fill("input[name=username]", "ada")
            await page.fill("input[name=password]", "correct horse")
            await page.click("form[action='/login'] button")
            await page.click("form[action^='/oauth/authorize'] button.main")
            assert (await login).username == "ada"
            await person.close()
            assert (await chat.status()).signed_in  # the agent goes on when the person has left
        assert gate.let_in > 5
    assert list(registry.iterdir()) == []
    assert not folder.exists()
