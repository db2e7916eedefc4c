"""Which browser is used, and the error when no browser is installed."""

import asyncio
import os
import subprocess
import sys
import time

import pytest

from huggingchat_agent.browser import executable as module
from huggingchat_agent.browser.executable import Executable, find_executable, find_or_download, main
from huggingchat_agent.browser.sandbox import detect_sandbox
from huggingchat_agent.errors import BrowserMissing


def write_executable(path, text="#!/bin/sh\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def bare(tmp_path, monkeypatch):
    """A machine without a browser."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "cache"))
    monkeypatch.delenv("HUGGINGCHAT_BROWSER", raising=False)
    monkeypatch.setattr(module, "_ELSEWHERE", {})


def test_find_gives_none_when_there_is_no_browser():
    assert find_executable() is None


def test_find_takes_the_named_one_first(tmp_path):
    write_executable(tmp_path / "bin" / "chromium")
    named = write_executable(tmp_path / "mine")
    assert find_executable(str(named)) == Executable(str(named), "HUGGINGCHAT_BROWSER")


def test_find_takes_the_named_one_from_the_path(tmp_path):
    named = write_executable(tmp_path / "bin" / "brave")
    assert find_executable("brave") == Executable(str(named), "HUGGINGCHAT_BROWSER")


@pytest.mark.parametrize("kind", ["missing", "not executable", "a folder"])
def test_find_refuses_a_named_one_that_cannot_be_executed(tmp_path, kind):
    write_executable(tmp_path / "bin" / "chromium")
    named = tmp_path / "mine"
    if kind == "not executable":
        named.write_text("")
    elif kind == "a folder":
        named.mkdir()
    with pytest.raises(BrowserMissing, match=str(named)):
        find_executable(str(named))


@pytest.mark.parametrize(
    "name", ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"]
)
def test_find_takes_an_installed_one_before_a_cached_one(tmp_path, name):
    installed = write_executable(tmp_path / "bin" / name)
    write_executable(tmp_path / "cache" / "chromium-1255" / "chrome-linux64" / "chrome")
    assert find_executable() == Executable(str(installed), "installed on this system")


@pytest.mark.parametrize(
    "path",
    [
        "chromium-1255/chrome-linux64/chrome",
        "chromium-1000/chrome-linux/chrome",
        "chromium-1255/chrome-mac-arm64/Chrome for Testing.app/Contents/MacOS/Chrome for Testing",
        "chromium-1255/chrome-win64/chrome.exe",
        "chromium_headless_shell-1255/chrome-headless-shell-linux64/chrome-headless-shell",
        "chromium_headless_shell-1000/chrome-linux/headless_shell",
    ],
)
def test_find_knows_what_playwright_unpacks(tmp_path, path):
    cached = write_executable(tmp_path / "cache" / path)
    assert find_executable() == Executable(str(cached), "downloaded by Playwright")


def test_find_takes_the_newest_of_the_cache_and_a_whole_browser_before_a_shell(tmp_path):
    for path in (
        "chromium-999/chrome-linux/chrome",
        "chromium-1255/chrome-linux64/chrome",
        "chromium_headless_shell-1300/chrome-headless-shell-linux64/chrome-headless-shell",
    ):
        write_executable(tmp_path / "cache" / path)
    found = find_executable()
    assert found is not None
    assert "chromium-1255" in found.path


def test_find_looks_in_the_default_cache(tmp_path, monkeypatch):
    monkeypatch.delenv("PLAYWRIGHT_BROWSERS_PATH")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cached = write_executable(tmp_path / "ms-playwright" / "chromium-1255" / "chrome-linux64" / "chrome")
    assert find_executable() == Executable(str(cached), "downloaded by Playwright")


async def test_find_or_download_does_not_download_when_there_is_one(tmp_path, monkeypatch):
    installed = write_executable(tmp_path / "bin" / "chromium")
    monkeypatch.setattr(module, "_make_download_command", lambda: ("/nowhere/installer",))
    assert (await find_or_download()).path == str(installed)


async def test_find_or_download_takes_what_was_downloaded(tmp_path, monkeypatch):
    cached = tmp_path / "cache" / "chromium-1255" / "chrome-linux64" / "chrome"
    cached.parent.mkdir(parents=True)
    installer = write_executable(tmp_path / "installer", f"#!/bin/sh\n/bin/cp /bin/true '{cached}'\n")
    monkeypatch.setattr(module, "_make_download_command", lambda: (str(installer),))
    assert await find_or_download() == Executable(str(cached), "downloaded by Playwright")


async def test_find_or_download_does_not_hand_our_settings_to_the_download(tmp_path, monkeypatch):
    dump = tmp_path / "dump"
    installer = write_executable(tmp_path / "installer", f"#!/bin/sh\nexport -p > '{dump}'\nexit 7\n")
    monkeypatch.setattr(module, "_make_download_command", lambda: (str(installer),))
    monkeypatch.setenv("HUGGINGCHAT_PASSWORD", "correct-horse-battery")
    with pytest.raises(BrowserMissing):
        await find_or_download()
    assert "PLAYWRIGHT_BROWSERS_PATH" in dump.read_text()
    assert "HUGGINGCHAT_" not in dump.read_text()


async def test_find_or_download_names_the_command_when_the_download_fails(tmp_path, monkeypatch):
    installer = write_executable(tmp_path / "installer", "#!/bin/sh\nexit 7\n")
    monkeypatch.setattr(module, "_make_download_command", lambda: (str(installer),))
    with pytest.raises(BrowserMissing) as caught:
        await find_or_download()
    assert "exit code 7" in str(caught.value)
    assert f"`{installer}`" in str(caught.value)


async def test_find_or_download_ends_the_whole_download_at_its_bound(tmp_path, monkeypatch):
    pid = tmp_path / "pid"
    installer = write_executable(
        tmp_path / "installer", f"#!/bin/sh\n/bin/sleep 60 &\necho $! > '{pid}'\nwait\n"
    )
    monkeypatch.setattr(module, "_make_download_command", lambda: (str(installer),))
    monkeypatch.setattr(module, "DOWNLOAD_SECONDS", 0.5)
    with pytest.raises(BrowserMissing, match="took longer"):
        await find_or_download()
    child = int(pid.read_text())
    until = time.monotonic() + 5
    while _is_running(child) and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    assert not _is_running(child)


async def test_find_or_download_ends_the_download_when_it_is_cancelled(tmp_path, monkeypatch):
    pid = tmp_path / "pid"
    installer = write_executable(
        tmp_path / "installer", f"#!/bin/sh\necho $$ > '{pid}'\nexec /bin/sleep 60\n"
    )
    monkeypatch.setattr(module, "_make_download_command", lambda: (str(installer),))
    task = asyncio.ensure_future(find_or_download())
    while not (pid.exists() and pid.read_text()):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not _is_running(int(pid.read_text()))


def _is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"


def test_main_prints_the_path(tmp_path, capsys):
    installed = write_executable(tmp_path / "bin" / "chromium")
    assert main([]) == 0
    assert capsys.readouterr().out == f"{installed}\n"


def test_main_says_what_is_missing_and_does_not_download(capsys, monkeypatch):
    monkeypatch.setattr(module, "_download", None)
    assert main([]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert "-m playwright install chromium" in err
    assert err.count("\n") == 1


def test_main_runs_as_a_module(tmp_path):
    installed = write_executable(tmp_path / "bin" / "chromium")
    run = [sys.executable, "-m", "huggingchat_agent.browser.executable"]
    done = subprocess.run(run, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{installed}\n", "")


def test_sandbox_is_off_for_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert not detect_sandbox().on
    assert "root" in detect_sandbox().reason


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_sandbox_of_other_systems_is_on(monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    assert detect_sandbox() == (True, "the sandbox of this system is used")


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are of Linux")
def test_sandbox_follows_user_namespaces_for_others(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", os.defpath)
    works = subprocess.run(["unshare", "--user", "--pid", "true"], capture_output=True).returncode == 0
    assert detect_sandbox().on is works
    assert "namespaces" in detect_sandbox().reason


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there it is tried")
def test_sandbox_does_not_hand_our_settings_to_what_tries_it(monkeypatch):
    environments = []

    def run(command, *, env, **options):
        environments.append(env)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("HUGGINGCHAT_PASSWORD", "correct-horse-battery")
    assert detect_sandbox().on
    assert ["PATH" in each and "HUGGINGCHAT_PASSWORD" not in each for each in environments] == [True]
