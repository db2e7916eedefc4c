"""Finding a person's profiles, and copying one. Neither needs a browser."""

import json
import os
import sqlite3
import sys
import time

import pytest

from huggingchat_agent.browser.known_browsers import KNOWN, find_known
from huggingchat_agent.browser.persons_session import choose_profile, take_session
from huggingchat_agent.browser.profile_copy import list_profiles
from huggingchat_agent.errors import BrowserMissing, LoginError, StorageError, UsageError
from huggingchat_agent.settings import make_settings

APP = "https://chat.example.org/chat"
HOST = "chat.example.org"

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux"),
    pytest.mark.usefixtures("config"),
]


def make_profile(folder, part="Default", *domains, store="Cookies", shown="", life=1e6, password="x"):
    """A profile with a cookie for each domain, and with much private data."""
    place = folder / part / store
    place.parent.mkdir(parents=True, exist_ok=True)
    expires = int((time.time() + life + 11644473600) * 1e6)
    with sqlite3.connect(place) as cookies:
        cookies.execute("CREATE TABLE cookies(host_key, name, encrypted_value, is_persistent, expires_utc)")
        for domain in domains:
            row = (domain, "session", f"v11 secret of {domain}", 1, expires)
            cookies.execute("INSERT INTO cookies VALUES (?, ?, ?, ?, ?)", row)
    cookies.close()
    known = {"profile": {"info_cache": {part: {"name": shown}}, "last_used": part}}
    (folder / "Local State").write_text(json.dumps({"os_crypt": {"key": "k"}, "user": password, **known}))
    chosen = {"intl": {"accept_languages": "de"}, "account_info": [password], "session": {"restore": 4}}
    (folder / part / "Preferences").write_text(json.dumps(chosen))
    for name in ("Login Data", "History", "Sessions/Tabs_1", "Extensions/a/1/x.js", "Cache/data", "Web Data"):
        path = folder / part / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(password)
    return folder


def read_all(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("store", ["Cookies", "Network/Cookies"])
def test_copy_has_the_apps_cookies_their_key_and_nothing_else(config, tmp_path, store):
    domains = (HOST, f".{HOST}", ".example.org", "bank.example.org", ".bank.example", "other.example.org")
    person = make_profile(config / "chromium", "Profile 1", *domains, store=store, password="hunter2")
    before = read_all(person)
    (profile,) = list_profiles()

    assert profile.copy(tmp_path / "copy", HOST) == 3

    assert read_all(person) == before
    copied = read_all(tmp_path / "copy")
    assert {str(path) for path in copied} == {"Local State", "Default/Preferences", f"Default/{store}"}
    everything = b"".join(copied.values())
    assert b"hunter2" not in everything and b"bank" not in everything and b"other.example" not in everything
    assert json.loads((tmp_path / "copy" / "Local State").read_text()) == {"os_crypt": {"key": "k"}}
    preferences = json.loads((tmp_path / "copy" / "Default" / "Preferences").read_text())
    assert preferences == {"intl": {"accept_languages": "de"}}
    with sqlite3.connect(tmp_path / "copy" / "Default" / store) as cookies:
        found = {host for (host,) in cookies.execute("SELECT host_key FROM cookies")}
    cookies.close()
    assert found == {HOST, f".{HOST}", ".example.org"}
    for path in (tmp_path / "copy").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_cookies_are_copied_while_their_browser_writes_and_not_while_it_locks_them(config, tmp_path):
    make_profile(config / "chromium", "Default", HOST)
    (profile,) = list_profiles()
    running = sqlite3.connect(config / "chromium" / "Default" / "Cookies", isolation_level=None)
    running.execute("BEGIN IMMEDIATE")
    running.execute("DELETE FROM cookies")
    assert profile.copy(tmp_path / "copy", HOST) == 1
    running.execute("ROLLBACK")
    running.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StorageError, match=r"cookies of chromium:Default cannot be read .*Close Chromium"):
        profile.count_cookies(HOST)
    running.close()


def test_profile_is_chosen_by_browser_and_by_either_of_its_names(config):
    make_profile(config / "chromium", "Default", ".example.org", shown="Ada")
    make_profile(config / "google-chrome", "Profile 1", HOST, shown="Work")
    make_profile(config / "google-chrome", "Profile 2", "elsewhere.example")
    assert str(choose_profile("chromium", APP)) == "chromium:Default (Ada)"
    assert choose_profile("chrome", APP).part == "Profile 1"
    make_profile(config / "google-chrome", "Profile 3", HOST, shown="Play")
    assert choose_profile("chrome:profile 1", APP).part == "Profile 1"
    assert choose_profile("CHROME:play", APP).part == "Profile 3"
    with pytest.raises(
        UsageError, match=r"Several profiles .*: chrome:Profile 1, chrome:Profile 3 \(Play\)\."
    ):
        choose_profile("chrome", APP)
    with pytest.raises(UsageError, match=r"chrome:Profile 3 \(Play\), chromium:Default"):
        choose_profile("any", APP)


def test_profile_that_cannot_be_chosen_is_an_error_that_lists_those_there_are(config):
    with pytest.raises(
        UsageError, match=r"There is no profile 'chrome' here\. No browser of yours has one\."
    ):
        choose_profile("chrome", APP)
    with pytest.raises(UsageError, match=r"no browser 'safari'\. Use one of: chrome, .*, brave\."):
        choose_profile("safari", APP)
    make_profile(config / "BraveSoftware/Brave-Browser", "Default", "elsewhere.example")
    with pytest.raises(UsageError, match=r"no profile 'brave:Work' here\. There are: brave:Default\."):
        choose_profile("brave:Work", APP)
    for which in ("brave", "any"):
        with pytest.raises(
            LoginError, match=r"Nobody is signed in at https://chat\.example\.org/chat in brave:Def"
        ):
            choose_profile(which, APP)


async def test_profile_of_a_browser_that_is_not_installed_is_an_error(config, monkeypatch):
    make_profile(config / "google-chrome", "Default", HOST)
    monkeypatch.setenv("PATH", str(config))
    with pytest.raises(
        BrowserMissing, match=r"program of chrome:Default was not found, and only Chrome can get the key"
    ):
        await take_session(make_settings(base_url=APP), "chrome")


def test_cookies_that_have_expired_sign_nobody_in(config):
    make_profile(config / "chromium", "Default", HOST, life=-1)
    with pytest.raises(LoginError):
        choose_profile("chromium", APP)


@pytest.mark.parametrize(
    "written", [b"", b"[", b"[]", b'{"profile": 3}', b'{"profile": {"info_cache": [1]}}']
)
def test_damaged_files_beside_the_cookies_do_no_harm(config, tmp_path, written):
    make_profile(config / "chromium", "Default", HOST)
    (config / "chromium" / "Local State").write_bytes(written)
    (config / "chromium" / "Default" / "Preferences").write_bytes(written)
    (profile,) = list_profiles()
    assert profile.copy(tmp_path / "copy", HOST) == 1


def test_file_that_is_no_store_is_an_error(config):
    make_profile(config / "chromium", "Default", HOST)
    (config / "chromium" / "Default" / "Cookies").write_bytes(b"no database" * 100)
    with pytest.raises(StorageError, match="file is not a database"):
        choose_profile("chromium", APP)


def test_folders_of_each_system(monkeypatch, tmp_path):
    monkeypatch.setattr(os.path, "expandvars", lambda path: path.replace("%LocalAppData%", str(tmp_path)))
    names = {}
    for system in ("linux", "darwin", "win32"):
        monkeypatch.setattr(sys, "platform", system)
        names[system] = [each._name_folders()[0] for each in KNOWN]
    assert names["darwin"][0] == "~/Library/Application Support/Google/Chrome"
    assert "~/Library/Application Support/Microsoft Edge Beta" in names["darwin"]
    assert names["win32"][0] == r"%LocalAppData%\Google\Chrome\User Data"
    assert r"%LocalAppData%\Microsoft\Edge\User Data" in names["win32"]
    assert names["linux"][0].endswith("/google-chrome")
    assert find_known("msedge") is find_known("Edge")
