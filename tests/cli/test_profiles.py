"""`profiles list`, `profiles remove` and `cookies export`, and the way back by `login --cookies`."""

import json
import subprocess
import sys

import pytest

from huggingchat_agent.state import cookies

HOLDER = """
import sys
from pathlib import Path
from huggingchat_agent.state.profiles import ProfileLock
lock = ProfileLock(Path(sys.argv[1]), "default")
print(lock.take(), flush=True)
sys.stdin.read()
"""


@pytest.mark.browser
def test_profiles_are_listed_with_site_and_end(shell):
    (shell.home / "profiles" / "work").mkdir()
    done = shell.here("profiles", "list")
    assert (done.code, done.err) == (0, "")
    heading, default, work = done.out.splitlines()
    assert heading.split() == ["Profile", "Sites", "Saved", "Until", "In", "use"]
    assert default.split()[:2] == ["default", "127.0.0.1"] and default.count(":") == 2
    assert work.split() == ["work"]
    for line, name in zip(
        shell.here("profiles", "list", "--json").out.splitlines(), ("default", "work"), strict=True
    ):
        facts = json.loads(line)
        assert (facts["name"], facts["folder"]) == (name, str(shell.home / "profiles" / name))
        assert (facts["expires"] or "").startswith("20") == (name == "default")


def test_profiles_that_do_not_exist_yet_are_reported(stranger):
    done = stranger.here("profiles", "list", "-v")
    assert (done.code, done.out) == (0, "")
    assert "huggingchat login" in done.err


@pytest.mark.browser
def test_profile_is_removed_but_not_while_in_use(shell):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, shell.home], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout and holder.stdout.readline() == "True\n"
        assert f"by process {holder.pid}" in shell.here("profiles", "list").out
        done = shell.here("profiles", "remove", "default")
        assert (done.code, done.out) == (1, "")
        assert f"in use by process {holder.pid}" in done.err and done.err.count("\n") == 1
        for refused in (shell("login"), shell("ask", "hello", "--profile-in-use", "refuse")):
            assert (refused.code, refused.out) == (1, "")
            assert f"in use by process {holder.pid}" in refused.err and "--profile NAME" in refused.err
        holder.communicate()
    assert shell.here("profiles", "remove", "default").out == "Profile 'default' is removed.\n"
    assert not (shell.home / "profiles" / "default").exists()
    done = shell.here("profiles", "remove", "default")
    assert done.code == 1 and "There are: none" in done.err


@pytest.mark.parametrize("name", ["../locks", ".hidden", "a/b"])
def test_profile_cannot_be_named_like_a_path(stranger, name):
    done = stranger.here("profiles", "remove", name)
    assert done.code == 2 and "plain name" in done.err


@pytest.mark.browser
@pytest.mark.soak
def test_two_processes_use_a_profile_at_once(shell, stand_in, request):
    logins = stand_in.control.logins
    for _ in range(10 if request.config.getoption("--soak") else 1):
        both = [shell.start("ask", "hello", "--temporary"), shell.start("ask", "hello", "--temporary")]
        outputs = [each.communicate() for each in both]
        assert [each.returncode for each in both] == [0, 0], outputs
        assert all(out.startswith(b"You said: hello") for out, _ in outputs)
        assert shell.here("profiles", "list").out.splitlines()[1].startswith(f"default  {stand_in.url} ")
    assert shell.here("status").out.split()[:2] == ["Account", "ada"]
    assert stand_in.control.logins == logins


@pytest.mark.browser
def test_cookies_go_out_and_come_in_again(shell, guest, stand_in, tmp_path):
    file = tmp_path / "cookies.txt"
    done = shell.here("cookies", "export", str(file), "--format", "netscape")
    assert (done.code, done.out, done.err) == (0, f"The cookies are in {file}.\n", "")
    assert file.stat().st_mode & 0o777 == 0o600
    values = {each["value"] for each in cookies.load(file, stand_in.url)["cookies"]}

    logins = stand_in.control.logins
    done = guest.here("login", "--cookies", str(file))
    assert done.out.startswith(f"Signed in at {stand_in.url} as ada, until ")
    assert stand_in.control.logins == logins
    assert not any(value in done.out + done.err for value in values)


@pytest.mark.browser
def test_session_cookie_alone_is_refused_with_what_to_export(shell, guest, tmp_path):
    state = json.loads((shell.home / "profiles" / "default" / "session.json").read_text())
    file = tmp_path / "plain.json"
    file.write_text(
        json.dumps({each["name"]: each["value"] for each in state["cookies"] if each["name"] == "hf-chat"})
    )
    done = guest.here("login", "--cookies", str(file))
    assert (done.code, done.out) == (3, "")
    assert "'token'" in done.err and "HttpOnly" in done.err and done.err.count("\n") == 1
    assert not (guest.home / "profiles" / "default" / "session.json").exists()


@pytest.mark.browser
def test_cookies_of_nobody_are_not_exported(guest, tmp_path):
    done = guest.here("cookies", "export", str(tmp_path / "file"))
    assert done.code == 3 and "Nobody is signed in" in done.err
    assert not (tmp_path / "file").exists()
