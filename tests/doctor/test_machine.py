"""The checks of this machine, and what killed runs left behind: with real processes, folders and sockets."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
import pytest

from huggingchat_agent.browser import process_tag
from huggingchat_agent.browser.temporary import FOLDER_PREFIX, LOCK, OWNER
from huggingchat_agent.doctor import leftovers
from huggingchat_agent.doctor.finding import Finding, Report
from huggingchat_agent.doctor.machine import check_machine
from huggingchat_agent.settings import make_settings
from huggingchat_agent.state.profiles import ProfileLock
from tests.cli.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator


CONTAINERS = shutil.which("unshare") and not subprocess.run(["unshare", "-Urpf", "true"]).returncode


@pytest.fixture
def home(monkeypatch):
    """A state folder, and a folder for temporary files that no other test uses.

    Its path is short, as browsers need it.
    """
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as base:
        (Path(base) / "tmp").mkdir()
        monkeypatch.setenv("TMPDIR", f"{base}/tmp")
        monkeypatch.setattr("tempfile.tempdir", None)
        yield Path(base) / "state"


@pytest.fixture
def dead() -> process_tag.Owner:
    """A process that has ended, and when it began."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        owner = process_tag.Owner(process.pid, process_tag._read_start(process.pid))
        process.communicate(b"\n")
    return owner


@pytest.fixture
def left(dead) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a tag of that one, as a browser that outlived its agent."""
    tag = f"{dead}.{'0' * 32}"
    command = [sys.executable, "-c", "input()", process_tag.make_switch(tag)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=process_tag.tag_environment(tag)) as process:
        yield process
        process.kill()


def of(found, kind):
    return [each for each in found if each.kind == kind]


def make_folder(home: Path, name: str, owner: object) -> Path:
    folder = home.parent / "tmp" / f"{FOLDER_PREFIX}{name}"
    (folder / "profile").mkdir(parents=True)
    if owner is not None:
        (folder / OWNER).write_text(str(owner))
    return folder


def test_owner_of_a_tag_is_the_process_that_made_it():
    owner = process_tag.Owner.current()
    assert owner.process == os.getpid()
    assert owner.alive
    assert process_tag.make_tag().startswith(f"{owner}.")
    assert process_tag.Owner.parse(str(owner)) == owner


@pytest.mark.parametrize("text", ["", "7", "7.", "-1.5", "7.8.9", "x.y", "9" * 50 + ".1"])
def test_other_texts_name_no_owner(text):
    assert process_tag.Owner.parse(text) is None


def test_process_id_that_is_used_again_is_not_the_owner():
    assert not process_tag.Owner(os.getpid(), 1).alive


def test_processes_without_an_owner_are_found_and_killed(home, dead, left):
    found = [each for each in of(leftovers.find_leftovers(home), "process") if each.name == str(left.pid)]
    assert [each.owner for each in found] == [dead.process]
    assert leftovers.remove(found[0], home)
    assert left.wait(5) < 0


def test_process_of_a_living_agent_is_left_alone(home):
    tag = process_tag.make_tag()
    command = [sys.executable, "-c", "input()", process_tag.make_switch(tag)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        found = of(leftovers.find_leftovers(home), "process")
        assert str(process.pid) not in [each.name for each in found]
        made_up = leftovers.Leftover(kind="process", name=str(process.pid), owner=os.getpid())
        assert not leftovers.remove(made_up, home)
        assert process.poll() is None
        process.kill()


@pytest.mark.skipif(not CONTAINERS, reason="no namespace for processes can be made")
def test_process_in_a_container_is_left_alone(home, dead):
    tag = f"{dead}.{'0' * 32}"
    command = ["unshare", "-Urpf", "--kill-child", sys.executable, "-c", "print(1, flush=True); input()"]
    with subprocess.Popen(
        [*command, process_tag.make_switch(tag)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as container:
        assert container.stdout is not None and container.stdout.readline()
        inside = [each for each in process_tag.find_processes(tag) if each != container.pid]
        assert inside
        left = [int(each.name) for each in of(leftovers.find_leftovers(home), "process")]
        assert not {*inside} & {*left}
        container.communicate(b"\n")


def test_folder_whose_owner_lives_in_a_container_is_left_alone(home, dead):
    folder = make_folder(home, "held", dead)
    with filelock.FileLock(folder / LOCK):
        assert of(leftovers.find_leftovers(home), "folder") == []
    assert [each.name for each in of(leftovers.find_leftovers(home), "folder")] == [str(folder)]


def test_folders_without_an_owner_are_found_and_nothing_else_is(home, dead):
    ours = make_folder(home, "ours", dead)
    kept = [
        make_folder(home, "living", process_tag.Owner.current()),
        make_folder(home, "unmarked", None),
        make_folder(home, "strange", "someone's notes"),
    ]
    (home.parent / "tmp" / f"{FOLDER_PREFIX}link").symlink_to(kept[0])
    found = of(leftovers.find_leftovers(home), "folder")
    assert [each.name for each in found] == [str(ours)]
    assert leftovers.remove(found[0], home)
    assert not ours.exists()
    assert all(each.exists() for each in kept)


def test_note_of_a_lock_whose_holder_has_ended_is_removed_and_sessions_stay(home, dead):
    session = home / "profiles" / "work" / "session.json"
    session.parent.mkdir(parents=True)
    session.write_text("{}")
    (home / "locks").mkdir()
    (home / "locks" / "work.pid").write_text(str(dead.process))
    held = ProfileLock(home, "held")
    assert held.take()
    found = of(leftovers.find_leftovers(home), "lock")
    assert [(each.name, each.owner) for each in found] == [("work", dead.process)]
    assert leftovers.remove(found[0], home)
    assert of(leftovers.find_leftovers(home), "lock") == []
    assert session.exists()
    assert ProfileLock(home, "held").holder == os.getpid()
    held.release()
    assert not (home / "locks" / "held.pid").exists()


def test_fix_lists_first_and_wants_a_yes(home, dead):
    folder = make_folder(home, "ours", dead)
    shell = Shell("http://127.0.0.1:9/chat", home)
    refused = shell.here("doctor", "--fix")
    assert refused.code == 2
    assert str(folder) in refused.out
    assert "--yes" in refused.err
    assert folder.exists()
    done = shell.here("doctor", "--fix", "--yes")
    assert done.code == 0, done.err
    assert not folder.exists()


def test_fix_asks_at_a_terminal(home, dead):
    folder = make_folder(home, "ours", dead)
    shell = Shell("http://127.0.0.1:9/chat", home)
    for answer, left in (("n", True), ("y", False)):
        with shell.terminal("doctor", "--fix") as terminal:
            terminal.expect(str(folder))
            terminal.expect("Remove these 1?")
            terminal.type(f"{answer}\n")
            assert terminal.code() == 0
        assert folder.exists() is left


def test_tape_is_refused(home):
    shell = Shell("http://127.0.0.1:9/chat", home)
    shell.more = {
        "HUGGINGCHAT_REPLAY": str(Path(__file__).parents[2] / "fixtures/tapes/v1-conversation.tape")
    }
    refused = shell.here("doctor")
    assert refused.code == 2
    assert "not a tape" in refused.err


@pytest.mark.parametrize(
    "arguments", [("--yes",), ("--machine", "--save", "new"), ("--save", "."), ("--fix", "--what")]
)
def test_options_that_do_not_go_together_are_refused(home, arguments):
    assert Shell("http://127.0.0.1:9/chat", home).here("doctor", *arguments).code == 2


async def machine(home, **given):
    settings = make_settings(base_url="http://127.0.0.1:9/chat", home=home, **given)
    return {each.check: each async for each in check_machine(settings, start=False)}


async def test_machine_without_trouble_is_sound(home):
    found = await machine(home)
    assert Report(findings=list(found.values())).sound, found
    assert {"browser", "display", "sandbox", "leftovers", "profiles", "disk", "proxy"} <= found.keys()


async def test_each_trouble_of_the_machine_is_named(home, dead, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    make_folder(home, "ours", dead)
    damaged = home / "profiles" / "work" / "session.json"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("{")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = await machine(home, browser="/no/such/browser", headless=False, proxy=f"http://127.0.0.1:{port}")
    assert {check: each.state for check, each in found.items() if each.state == "failed"} == {
        "browser": "failed",
        "display": "failed",
        "profiles": "failed",
        "proxy": "failed",
    }
    assert found["leftovers"].state == "note"
    assert all(found[check].advice for check in ("display", "profiles", "proxy"))


async def test_disk_that_is_full_is_named(home, monkeypatch):
    monkeypatch.setattr("huggingchat_agent.doctor.machine.LITTLE", 10**18)
    assert (await machine(home))["disk"].state == "failed"


async def test_silent_proxy_is_named_in_time(home, monkeypatch):
    monkeypatch.setattr("huggingchat_agent.doctor.machine.PROXY_SECONDS", 0.2)
    began = time.monotonic()
    found = await machine(home, proxy="http://192.0.2.1:3128")  # an address that nobody has
    assert found["proxy"].state == "failed"
    assert time.monotonic() - began < 5


def test_note_is_sound_and_a_difference_is_not():
    note = Finding(area="app", check="a", state="note")
    assert Report(findings=[note]).sound
    assert not Report(findings=[note, Finding(area="app", check="b", state="new")]).sound


_AGENT = """
import asyncio, os, sys
from huggingchat_agent.browser import load_engine
from huggingchat_agent.settings import make_settings

async def main():
    settings = make_settings(base_url="http://127.0.0.1:9/chat", home=sys.argv[1], engine="nodriver")
    browser = await load_engine("nodriver").start(settings, None)
    print(browser.tag, browser._launched._folder._watcher.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.browser
def test_browser_whose_agent_and_watcher_were_killed_is_removed(home):
    """As after the kernel ran out of memory."""
    command = [sys.executable, "-c", _AGENT, str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdout is not None
        tag, watcher = agent.stdout.readline().split()
        os.kill(int(watcher), signal.SIGKILL)
        agent.kill()
    shell = Shell("http://127.0.0.1:9/chat", home)
    assert process_tag.find_processes(tag)
    done = shell.here("doctor", "--fix", "--yes")
    assert done.code == 0, done.err
    assert "process" in done.out
    until = time.monotonic() + 5
    while process_tag.find_processes(tag) and time.monotonic() < until:
        time.sleep(0.05)  # killed processes end a moment later
    assert not process_tag.find_processes(tag)
    assert [each for each in leftovers.find_leftovers(home) if each.owner == agent.pid] == []
