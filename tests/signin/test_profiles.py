"""Profiles: locked while in use, listed, removed; and whole whatever happens while one is saved."""

import os
import signal
import subprocess
import sys
import time

import pytest

from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import ProfileInUse, StorageError
from huggingchat_agent.state.profiles import ProfileLock, list_profiles, remove_profile
from huggingchat_agent.state.storage import SavedSession

HOLDER = """
import sys
from pathlib import Path
from huggingchat_agent.state.profiles import ProfileLock
lock = ProfileLock(Path(sys.argv[1]), "work")
print(lock.take(), flush=True)
sys.stdin.read()
"""

SAVER = """
import sys
from pathlib import Path
from huggingchat_agent.state.storage import SavedSession
saved = SavedSession(Path(sys.argv[1]))
for number in range(10 ** 9):
    saved.save({"cookies": [{"name": "hf-chat", "value": str(number) * 2000}], "origins": []})
    if not number:
        print("saving", flush=True)
"""

STARTER = """
import sys
from pathlib import Path
from huggingchat_agent.state.profiles import ProfileLock
from huggingchat_agent.state.storage import SavedSession
home, number = Path(sys.argv[1]), sys.argv[2]
lock, saved = ProfileLock(home, "work"), SavedSession(home / "profiles" / "work")
took = lock.take()
saved.load()
if took:
    saved.tidy()
    saved.save({"cookies": [{"name": "hf-chat", "value": number * 2000}], "origins": []})
print(took, flush=True)
"""


def start_python(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate()  # closes its pipes


def check_whole(saved):
    state = saved.load()
    assert state is not None
    value = state["cookies"][0]["value"]
    assert len(set(zip(*[iter(value)] * (len(value) // 2000), strict=True))) == 1
    return value


def test_profile_is_locked_while_in_use_and_free_after_a_kill(tmp_path):
    holder = start_python(HOLDER, tmp_path)
    assert holder.stdout.readline() == "True\n"
    lock = ProfileLock(tmp_path, "work")
    assert not lock.take()
    assert f"in use by process {holder.pid}" in str(lock.make_in_use_error())
    (tmp_path / "profiles" / "work").mkdir(parents=True)
    with pytest.raises(ProfileInUse):
        remove_profile(tmp_path, "work")
    assert [each.in_use_by for each in list_profiles(tmp_path)] == [holder.pid]
    kill(holder)
    assert lock.take()
    lock.release()
    remove_profile(tmp_path, "work")
    assert list_profiles(tmp_path) == []


def test_profile_that_is_not_there_cannot_be_removed(tmp_path):
    (tmp_path / "profiles" / "work").mkdir(parents=True)
    with pytest.raises(StorageError, match="There are: work"):
        remove_profile(tmp_path, "wrok")


@pytest.mark.soak
def test_kill_while_saving_leaves_a_whole_session(tmp_path, request):
    saved = SavedSession(tmp_path)
    for round in range(100 if request.config.getoption("--soak") else 12):
        saver = start_python(SAVER, tmp_path)
        assert saver.stdout.readline() == "saving\n"
        time.sleep(0.0017 * round)  # there is no event for "in the middle of it": all moments are tried
        kill(saver)
        check_whole(saved)
    saved.tidy()
    assert {each.name for each in tmp_path.iterdir()} == {"session.json", "session.previous.json"}


@pytest.mark.soak
def test_many_starts_on_one_profile_leave_it_whole(tmp_path, request):
    pairs = 100 if request.config.getoption("--soak") else 5
    took = []
    for number in range(pairs):
        both = [
            start_python(STARTER, tmp_path, number % 10),
            start_python(STARTER, tmp_path, (number + 1) % 10),
        ]
        took += [each.communicate()[0].strip() for each in both]
        assert [each.returncode for each in both] == [0, 0]
        check_whole(SavedSession(tmp_path / "profiles" / "work"))
    assert took.count("True") >= pairs


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="module")
async def test_second_chat_on_a_profile_works_with_a_copy_and_saves_nothing(chat, site, caplog):
    caplog.set_level("INFO", logger="huggingchat_agent")
    path = chat._session.saved.path
    before = path.read_bytes()
    same = {"base_url": site.url, "home": chat.settings.home}
    async with HuggingChat(**same) as second:
        assert (await second.login()).username == "ada"
        assert second._session.profile.copied
        await (await second.new_conversation()).send("hello", via="page")  # and the app prolongs its session
    assert path.read_bytes() == before
    assert caplog.text.count("in use elsewhere") == 1
    with pytest.raises(ProfileInUse, match=str(os.getpid())):
        async with HuggingChat(**same, profile_in_use="refuse"):
            raise AssertionError("it was opened")
    assert site.control.logins == 1
