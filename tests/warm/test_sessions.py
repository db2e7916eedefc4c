"""Who gets a warm session, and when it ends."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from huggingchat_agent.errors import BrowserClosed, StorageError
from huggingchat_agent.settings import make_settings
from huggingchat_agent.state import warm_socket
from huggingchat_agent.state.profiles import ProfileLock
from huggingchat_agent.warm import starting
from huggingchat_agent.warm.matching import COMPARED, describe, find_obstacles, make_fingerprints
from huggingchat_agent.warm.verbs import VERBS
from tests.warm.conftest import Warm


def test_socket_is_for_its_owner_alone(warm):
    assert stat.S_IMODE(warm.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(warm.path.parent.stat().st_mode) == 0o700


def test_folder_that_others_can_use_is_not_used(tmp_path, caplog):
    path = warm_socket.find_path(tmp_path, "default")
    path.parent.mkdir(mode=0o755)
    path.touch()
    assert warm_socket.connect(path) is None
    assert "not a folder that only you can use" in caplog.text
    with pytest.raises(StorageError, match="only you can use"):
        warm_socket.make_folder(path.parent)


def test_link_in_place_of_the_folder_is_not_used(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    path = warm_socket.find_path(tmp_path / "home", "default")
    path.parent.parent.mkdir()
    path.parent.symlink_to(elsewhere)
    with pytest.raises(StorageError, match="only you can use"):
        warm_socket.make_folder(path.parent)


AS_NOBODY = """
import os, socket, sys
os.setuid(65534)
with socket.socket(socket.AF_UNIX) as link:
    link.connect(sys.argv[1])
    try:
        link.sendall(b'{"do":"open"}\\n')
        print(link.recv(1000))
    except ConnectionError:
        print(b"")
"""


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can be another user")
def test_other_user_gets_no_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", tempfile.mkdtemp())
    home = Path(tempfile.gettempdir(), "long " * 25)
    with Warm(home) as warm:
        for each in (Path(tempfile.gettempdir()), warm.path.parent, warm.path):
            each.chmod(0o777)  # else the system refuses already
        command = [sys.executable, "-c", AS_NOBODY, str(warm.path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert (done.stdout, done.stderr) == ("b''\n", "")
        assert warm_socket.connect(warm.path) is None  # for the folder is anybody's now
    shutil.rmtree(tempfile.gettempdir())


def test_long_path_gets_a_short_name(monkeypatch):
    # Not pytest's own folder, whose path may be too long itself.
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        home = Path(folder, "long " * 25)
        with Warm(home) as warm:
            assert len(os.fsencode(warm.path)) <= 107 and home not in warm.path.parents
            with warm.chat() as chat:
                assert chat.status().signed_in
        assert warm_socket.find_path(home, "other") != warm.path


def test_process_that_left_its_socket_behind_is_noticed(tmp_path):
    with Warm(tmp_path) as first:
        spare = first.path.with_suffix(".spare")
        os.link(first.path, spare)
    os.rename(spare, first.path)
    assert starting.find(first.settings).client is None
    with Warm(tmp_path) as second, second.chat() as chat:
        assert chat.status().signed_in
    assert not second.path.exists()


def test_idle_one_ends_by_itself(tmp_path):
    with Warm(tmp_path, idle=0.2) as warm:
        warm.wait()
    assert not warm.path.exists()


def test_one_in_use_is_not_idle(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingchat_agent.warm.server.LOOK_SECONDS", 0.1)
    with Warm(tmp_path) as warm, warm.chat() as chat:
        warm.limit(0.2)  # only now: on a busy machine a command takes longer to connect
        time.sleep(0.5)  # more than its limit
        assert chat.status().signed_in
        chat.client.close()
        warm.wait()


def test_one_whose_folder_is_gone_ends(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingchat_agent.warm.server.LOOK_SECONDS", 0.1)
    with Warm(tmp_path) as warm:
        warm.path.unlink()
        warm.wait()


def test_profile_goes_to_who_asks_for_it(tmp_path):
    with Warm(tmp_path) as warm:
        with warm.chat():
            assert not warm_socket.ask_to_end(tmp_path, "default")  # a command uses it
        while not warm_socket.ask_to_end(tmp_path, "default"):
            time.sleep(0.01)  # it has not seen the end of that command yet
        warm.wait()


def test_lock_is_taken_from_an_idle_one(tmp_path):
    lock = ProfileLock(tmp_path, "default")
    with Warm(tmp_path) as warm:
        assert not lock.take()  # as who only looks
        assert warm.running
        assert lock.claim()
        warm.wait()
    lock.release()


def test_lock_stays_with_one_in_use(warm):
    lock = ProfileLock(warm.home, "default")
    with warm.chat() as chat:
        assert not lock.claim()
        assert chat.status().signed_in


def test_end_stops_what_runs_and_commands_hear_of_it(tmp_path):
    with Warm(tmp_path) as warm, warm.chat() as chat:
        assert warm_socket.ask_to_end(tmp_path, "default", anyway=True)
        warm.wait()
        with pytest.raises(BrowserClosed, match="warm session has ended"):
            chat.status()


def test_another_version_is_said_and_not_used(warm, monkeypatch):
    monkeypatch.setattr("huggingchat_agent.__version__", "9.9")
    found = starting.find(warm.settings)
    assert found.client is None and found.old and "version" in found.why
    client, welcome = warm.open(version="9.9")
    assert welcome is not None and welcome.version != "9.9"
    client.close()


CHANGES: dict[str, Any] = {
    "base_url": "https://chat.example.org",
    "engine": "nodriver",
    "proxy": "http://ada:s3cret@proxy.example.org:3128",
    "channel": "chrome",
    "browser_args": ["--lang=de"],
    "http_credentials": "ada:s3cret",
    "context_args": {"locale": "de"},
    "slow_mo": 5,
    "recover": False,
}


@pytest.mark.parametrize("name", CHANGES)
def test_other_settings_bypass_it_and_are_named(warm, name):
    found = starting.find(make_settings(home=warm.home, **{name: CHANGES[name]}))
    assert found.client is None and not found.old
    assert describe([name]) in found.why


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"headless": False}, "--headed"),
        ({"connect": "http://127.0.0.1:9222"}, "--connect"),
        ({"record": "x.tape"}, "--record"),
        ({"user_data_dir": "browser"}, "--user-data-dir"),
    ],
    ids=str,
)
def test_what_needs_a_browser_of_its_own_bypasses_it(warm, given, named):
    settings = make_settings(home=warm.home, **given)
    assert describe(find_obstacles(settings)) == named
    assert named in starting.find(settings).why
    with pytest.raises(Exception, match=named):
        starting.start(settings, {})


def test_nothing_is_said_where_none_runs(tmp_path):
    found = starting.find(make_settings(home=tmp_path, headless=False))
    assert (found.client, found.why) == (None, "")


def test_own_things_of_a_command_do_not_matter(warm):
    own: Any = {"via": "page", "profile_in_use": "refuse", "skip_pictures": True}
    settings = make_settings(home=warm.home, username="ada", password="correct horse", **own)
    client, welcome = warm.open(settings)
    assert welcome is not None and welcome.different == []
    client.close()


def test_fingerprints_hold_no_secret(tmp_path):
    marks = make_fingerprints(make_settings(home=tmp_path, proxy=CHANGES["proxy"]))
    assert set(marks) == set(COMPARED)
    assert "s3cret" not in str(marks)


class Odd(TimeoutError):
    """A driver's error, with something that no message can hold."""

    def __init__(self):
        super().__init__("too late")
        self.driver = object()


def test_error_of_any_kind_ends_the_call(warm, monkeypatch):
    async def fail(held, **arguments):
        raise Odd

    monkeypatch.setitem(VERBS, "tools", fail)
    with warm.chat() as chat, pytest.raises(RuntimeError, match="Odd: too late"):
        chat.tools()
