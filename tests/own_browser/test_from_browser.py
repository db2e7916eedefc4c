"""`login --from-browser`: signed in with the session of a person's own browser."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from huggingchat_agent.browser import temporary
from huggingchat_agent.browser.launch import KEYLESS
from huggingchat_agent.browser.persons_session import take_session
from huggingchat_agent.errors import LoginError
from huggingchat_agent.settings import make_settings
from tests.cli.shell import Shell
from tests.persons import program

pytestmark = pytest.mark.browser


@pytest.fixture
def chromium(tmp_path, monkeypatch):
    """Put another program in the place of chromium: `chromium("lines of sh")`."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def write(lines):
        path = folder / "chromium"
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return write


def read_all(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


@pytest.fixture(params=["playwright", "nodriver"])
def engine(request):
    return request.param


@pytest.mark.either_engine
def test_login_takes_the_session_of_a_browser_and_leaves_it_as_it_was(
    engine, site, person, borrowed, chromium, tmp_path
):
    # The program writes down how it was started, and what it finds in its profile folder.
    noted = tmp_path / "noted"
    chromium(
        f'printf "%s\\n" "$@" > {noted}\n'
        'for each in "$@"; do case "$each" in --user-data-dir=*)\n'
        f'  cd "${{each#*=}}" && {{ pwd; stat -c %a . ..; find . -type f; }} > {noted}.files;;\n'
        f'esac; done\nexec {program()} "$@"'
    )
    before = read_all(person)
    shell = Shell(site.url, tmp_path / "state")
    # The browser that checks the session is already running.
    shell.more |= borrowed | {"HUGGINGCHAT_ENGINE": engine}

    done = shell("login", "--from-browser")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Signed in at {site.url} as ada, until ")
    assert read_all(person) == before
    switches = noted.read_text().splitlines()
    assert not {*KEYLESS} & {*switches}
    assert "--host-resolver-rules=MAP * ~NOTFOUND" in switches
    assert any(each.startswith("--headless") for each in switches)
    place, mode, mode_above, *files = Path(f"{noted}.files").read_text().splitlines()
    assert (mode, mode_above) == ("700", "700")
    assert {*files} == {"./Local State", "./Default/Preferences", "./Default/Cookies"}
    assert not Path(place).parent.exists()
    saved = json.loads((tmp_path / "state/profiles/default/session.json").read_text())
    assert {each["name"] for each in saved["cookies"]} == {"hf-chat", "token"}


@pytest.mark.long
@pytest.mark.usefixtures("person")
def test_another_app_on_this_host_gets_the_same_cookies_and_knows_nobody_by_them(
    engine, open_site, borrowed, tmp_path
):
    shell = Shell(open_site().url, tmp_path / "state")
    shell.more |= borrowed | {"HUGGINGCHAT_ENGINE": engine}
    done = shell("login", "--from-browser", "chromium:default", "--profile", "other")
    assert (done.code, done.out) == (3, "")
    assert "no longer knows the session that chromium:Default" in done.err


@pytest.mark.either_engine
async def test_cookies_without_their_key_are_an_error(engine, site, person, tmp_path, monkeypatch):
    store = sqlite3.connect(person / "Default" / "Cookies")
    store.execute("UPDATE cookies SET encrypted_value = ?", (b"v11" + os.urandom(64),))
    store.commit()
    store.close()
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with pytest.raises(LoginError, match=r"chromium:Default .*stay encrypted.*keyring"):
        await take_session(make_settings(base_url=site.url, engine=engine), "chromium")
    assert list(folder.iterdir()) == []


async def test_copy_is_removed_after_a_kill(site, person, chromium, tmp_path):
    noted = tmp_path / "noted"
    chromium(f'printf "%s\\n" "$@" > {noted}.part; mv {noted}.part {noted}; exec sleep 60')
    program = (
        "import asyncio; from huggingchat_agent.settings import make_settings; "
        "from huggingchat_agent.browser.persons_session import take_session; "
        f"asyncio.run(take_session(make_settings(base_url={site.url!r}, engine='nodriver'), 'chromium'))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stderr=subprocess.DEVNULL)
    async with asyncio.timeout(30):
        while not noted.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    (copy,) = (Path(each.partition("=")[2]) for each in noted.read_text().split("\n") if "user-data" in each)
    assert (copy / "Default" / "Cookies").exists()
    process.send_signal(signal.SIGKILL)
    await process.wait()
    with contextlib.suppress(FileNotFoundError):  # the watcher of the browser may have been first
        await asyncio.to_thread(temporary.reap)
    assert not copy.exists()
    assert not copy.parent.exists()
