"""Commands in the browser of a warm session, and what is left after its end."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.cli.shell import Shell
from tests.cli.test_ask import LONG, find_newest, read_until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def warm(stand_in, saved_home, tmp_path_factory):
    """Signed in, with a warm session."""
    shell = Shell(stand_in.url, shutil.copytree(saved_home, tmp_path_factory.mktemp("warm") / "state"))
    servers = '{"Mine": {"url": "https://tools.example.org/mcp", "headers": {"X-Key": "s3cret"}}}'
    shell.more = {"HUGGINGCHAT_PASSWORD": "v3ry s3cret", "HUGGINGCHAT_TOOL_SERVERS": servers}
    done = shell("serve", "--background", "--json")
    assert done.code == 0, done.err
    yield shell
    done = shell("serve", "--stop")
    assert (done.code, done.out) == (0, "The warm session of profile 'default' has ended.\n")
    assert not shell.processes()


def count_browsers(shell):
    return sum("--type=" not in read_command(each) for each in shell.processes("--headless"))


def read_command(process):
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return "--type="  # it has just ended


def wait_until_gone(shell, seconds):
    end = time.monotonic() + seconds
    while shell.processes():
        assert time.monotonic() < end, f"after {seconds} s there is still {shell.processes()}"
        time.sleep(0.05)  # there is no event for it


def test_ask_prints_the_same_and_says_where(warm, stand_in):
    done = warm("ask", "hello there")
    assert (done.code, done.err) == (0, "")
    assert done.out.rstrip("\n") == find_newest(stand_in)["messages"][-1]["content"]
    done = warm("ask", "-v", "hello there")
    assert "In the browser of the warm session (process " in done.err and "Signed in as ada." in done.err
    assert count_browsers(warm) == 1


def test_commands_work_in_it(warm, stand_in):
    first = json.loads(warm("conversations", "list", "--json").out)[0]["id"]
    assert warm.here("conversations", "rename", first, "Another title").code == 0
    assert "# Another title" in warm.here("conversations", "export", first).out
    assert warm.here("models").out.startswith("meta-llama/")
    assert warm.here("status", "-v").out.startswith("Account  ada")
    assert warm.here("settings", "show").code == warm.here("tools").code == 0
    done = warm("chat", stdin="one\n/retry\ntwo\n/url\n")
    assert done.out.count("You said: one") == 2 and "You said: two" in done.out
    assert warm.here("conversations", "delete", find_newest(stand_in)["id"]).code == 0
    assert count_browsers(warm) == 1


def test_errors_are_the_same(warm, shell):
    for arguments in (
        ["ask", "-m", "nosuch", "hello"],
        ["ask", "fail 500"],
        ["ask", "-c", "6" * 24, "hello"],
    ):
        cold, done = shell.here(*arguments, "--via", "page"), warm.here(*arguments, "--via", "page")
        assert (done.code, done.err, done.out) == (cold.code, cold.err, cold.out)
        assert done.code != 0


def test_time_that_an_answer_may_take_is_that_of_the_command(warm, stand_in):
    done = warm.here("ask", "--timeout", "0.5", "--via", "page", "hold 3")
    assert (done.code, done.out) == (1, "")
    assert "missed its total deadline of 0.5 s" in done.err
    stand_in.control.release(upto=2)
    assert warm.here("ask", "--via", "page", "hello").code == 0


def test_secrets_are_neither_in_its_command_line_nor_in_its_environment(warm):
    processes = warm.processes()
    assert len(processes) > 2
    for each in processes:
        for name in ("cmdline", "environ"):
            shown = Path(f"/proc/{each}/{name}").read_text(errors="replace")
            assert "s3cret" not in shown and "HUGGINGCHAT_HOME" not in shown


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_end_of_a_command_stops_the_answer_and_leaves_the_browser(warm, stand_in, number, code):
    before = len(stand_in.control.conversations())
    with warm.start("ask", "--via", "page", "--temporary", LONG) as process:
        read_until(process.stdout, b"5@")
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (code, b"")
    end = time.monotonic() + 10
    while stand_in.control.running or len(stand_in.control.conversations()) > before:
        assert time.monotonic() < end
        time.sleep(0.05)  # the warm session sees to it, after the command
    assert warm.here("ask", "--via", "page", "hello").code == 0
    assert count_browsers(warm) == 1


@pytest.mark.soak
def test_many_questions_leave_one_browser(warm, request):
    for number in range(200 if request.config.getoption("--soak") else 5):
        done = warm.here("ask", "--via", "page" if number % 2 else "ui", f"question {number}")
        assert (done.code, done.err) == (0, "") and f"question {number}" in done.out
    assert count_browsers(warm) == 1


def test_one_that_is_killed_leaves_no_browser_and_no_obstacle(starting):
    done = starting("ask", "--via", "page", "hello", env={"HUGGINGCHAT_WARM": "1"})
    assert (done.code, done.err) == (0, "")
    again = starting("serve", "--background", "--json")
    assert count_browsers(starting) == 1
    os.kill(json.loads(again.out)["process"], signal.SIGKILL)
    wait_until_gone(starting, 5)
    assert starting("serve", "--stop").out == "The warm session of profile 'default' is not running.\n"


def test_idle_one_ends(starting):
    assert starting("serve", "--background", env={"HUGGINGCHAT_WARM_IDLE": "0.02"}).code == 0
    wait_until_gone(starting, 15)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        pytest.param("logout", "Signed out of ", marks=pytest.mark.soak),
        pytest.param("login", "Already signed in ", marks=pytest.mark.soak),
        pytest.param("profiles remove default", "Profile 'default' is removed", marks=pytest.mark.soak),
    ],
)
def test_who_needs_the_profile_itself_ends_it(starting, command, says):
    assert starting("serve", "--background").code == 0
    done = starting(*command.split())
    assert (done.code, done.out[: len(says)]) == (0, says), done.err
    wait_until_gone(starting, 5)


@pytest.mark.parametrize(
    ("environment", "code", "says"),
    [
        ({"HUGGINGCHAT_BROWSER": "/no/such/browser"}, 4, "/no/such/browser"),
        pytest.param({}, 3, "Not signed in", marks=pytest.mark.soak),
    ],
)
def test_start_fails_as_a_command_would(stranger, environment, code, says):
    done = stranger("serve", "--background", env=environment)
    assert (done.code, done.out) == (code, "")
    assert says in done.err
    assert not stranger.processes()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--background", "--headed"],
        ["--background", "--connect", "http://127.0.0.1:9222"],
        ["--background", "--stop"],
        ["--idle", "5"],
        ["--stop", "--idle", "5"],
        ["--background", "--idle", "0"],
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused(stranger, arguments):
    done = stranger.here("serve", *arguments)
    assert (done.code, done.out) == (2, ""), done.err
    assert not stranger.processes()
