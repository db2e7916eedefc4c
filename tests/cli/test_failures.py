"""Failures: an exit code for the kind, one sentence that says what to do, no traceback."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from huggingchat_agent import errors
from huggingchat_agent.cli import error_output
from huggingchat_agent.cli.app import run as run_here
from huggingchat_agent.settings import make_settings
from tests.cli.shell import COMMAND, Finished

TAPE = Path(__file__).parents[2] / "fixtures" / "tapes" / "v1-conversation.tape"

KINDS = {
    errors.SettingsError: 2,
    errors.UsageError: 2,
    errors.CookiesUnreadable: 1,
    errors.StorageError: 1,
    errors.BrowserError: 4,
    errors.LoginError: 3,
    errors.SiteError: 1,
    errors.ChatError: 1,
    errors.TapeError: 1,
}


def list_errors(base=errors.AgentError):
    for child in base.__subclasses__():
        if child.__module__ == errors.__name__:  # what a package makes of them for itself never gets out
            yield child
            yield from list_errors(child)


@pytest.mark.parametrize("error", [*list_errors()], ids=lambda error: error.__name__)
def test_every_error_has_the_exit_code_of_its_kind(error):
    kind = next(base for base in error.__mro__ if base in KINDS)
    assert error_output.exit_code(error("so it is")) == KINDS[kind]


def test_chat_that_failed_for_the_browser_is_browser_trouble():
    error = errors.StreamBroken("it broke")
    error.__cause__ = errors.BrowserClosed("it went away")
    assert error_output.exit_code(error) == 4


def check_failed(done, code, *parts):
    """One sentence on stderr, nothing on stdout, and the code."""
    assert done.code == code, done
    assert done.err.startswith("Error: ") and done.err.count("\n") == 1, done.err
    assert done.out == ""
    for part in parts:
        assert part in done.err


@pytest.mark.parametrize(
    "arguments, parts",
    [
        (["ask"], ["PROMPT", "huggingchat ask --help"]),
        (["ask", " "], ["empty"]),
        (["ask", "-"], ["empty"]),
        (["ask", "hello", "--via", "post"], ["--via", "auto", "ui", "page"]),
        (["ask", "hello", "--timeout", "0"], ["--timeout"]),
        (["ask", "hello", "--full"], ["--record FILE"]),
        (["chat", "--hide", "x"], ["--record FILE"]),
        (["ask", "hello", "--conversation", "66b0c0ffee66b0c0ffee66b0", "--temporary"], ["--conversation"]),
        (["nonsense"], ["nonsense", "huggingchat --help"]),
        (["asj"], ["'ask'? See"]),
        (["status", "--nonsense"], ["--nonsense", "huggingchat status --help"]),
        (["login", "--password-stdin"], ["stdin"]),
        (["--base-url", "ftp://before", "status"], ["ftp://before"]),
        (["status", "--base-url", "ftp://after"], ["ftp://after"]),
        (["--base-url", "ftp://before", "status", "--base-url", "ftp://after"], ["ftp://after"]),
        (["--profile", "../up", "models"], ["../up"]),
        (["models", "--profile", "../up"], ["../up"]),
        (["--engine", "lynx", "models"], ["lynx", "playwright", "nodriver"]),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_reported_before_a_browser_is_started(stranger, arguments, parts):
    stranger.base_url = "http://127.0.0.1:9/chat"  # nobody is there, which would be told otherwise
    check_failed(stranger.here(*arguments), 2, *parts)
    assert not stranger.home.exists()


def test_advice_is_for_the_command_line(capsys):
    broken = errors.StreamBroken("The stream broke.", hint="See `partial`.", shell_hint="See above.")
    with pytest.raises(errors.SettingsError) as caught:
        make_settings(base_url="https://a:b@x.org")
    for error in (broken, caught.value):
        error_output.tell(error)
    output = capsys.readouterr().err
    assert "`partial`" not in output and "The stream broke. See above." in output
    assert "login()" not in output and "`huggingchat login`" in output


@pytest.mark.parametrize(
    ("arguments", "variables", "says"),
    [
        (["models", "--base-url", "ftp://x"], {}, "Error: --base-url is not an http(s) address: 'ftp://x'."),
        (["models"], {"HUGGINGCHAT_BASE_URL": "ftp://x"}, "Error: HUGGINGCHAT_BASE_URL is not an http"),
        (
            ["models", "--channel", "msedge"],
            {"HUGGINGCHAT_BROWSER": "/x"},
            "Error: HUGGINGCHAT_BROWSER and --channel both name a browser.",
        ),
        (
            ["models", "--connect", "http://127.0.0.1:9", "--user-data-dir", "x"],
            {},
            "Error: --user-data-dir is for a browser that the agent starts, but --connect uses a running",
        ),
    ],
)
def test_wrong_setting_is_named_as_it_was_given(stranger, arguments, variables, says):
    done = stranger.here(*arguments, env=variables)
    check_failed(done, 2)
    assert done.err.replace("\n", " ").startswith(says)


def test_proxy_with_a_password_is_refused_where_others_can_read_it(stranger):
    done = stranger("models", "--proxy", "http://ada:correct-horse@127.0.0.1:9")
    check_failed(done, 2, "--proxy", "HUGGINGCHAT_PROXY")
    assert "correct-horse" not in done.err
    assert not stranger.home.exists()


@pytest.mark.parametrize(
    "address", ["wss://far.example.org/?token=8f3a-a-token", "wss://ada:pw@far.example.org"]
)
def test_token_of_a_browsers_address_is_refused_on_the_command_line(shell, address):
    done = shell.here("models", "--connect", "http://127.0.0.1:9", "--connect", address)
    check_failed(done, 2, "--connect", "HUGGINGCHAT_CONNECT")
    assert address not in done.err


def test_each_of_several_browsers_that_do_not_answer_is_named(shell):
    done = shell.here("models", "--connect", "http://127.0.0.1:9", "--connect", "http://127.0.0.1:7/browser")
    check_failed(done, 4, "None of 2 browsers answers", "http://127.0.0.1:9: ", "http://127.0.0.1:7/…: ")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ENGINE", "lynx", "lynx"),
        ("BROWSER_ARGS", "'--a", "HUGGINGCHAT_BROWSER_ARGS"),
        ("CHANNEL", "netscape", "chromium, chrome,"),
    ],
)
def test_wrong_environment_is_wrong_usage(monkeypatch, tmp_path, capsys, name, value, says):
    monkeypatch.setenv("HUGGINGCHAT_HOME", str(tmp_path))
    monkeypatch.setenv(f"HUGGINGCHAT_{name}", value)
    code = run_here(["models"])
    check_failed(Finished(code, *capsys.readouterr()), 2, says)


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask", "caf\udce9"],
        ["ask", "--system", "caf\udce9", "hi"],
        ["chat", "--system", "caf\udce9"],
        ["ask", "--model", "caf\udce9", "hi"],
        ["conversations", "rename", "66b0c0ffee66b0c0ffee66b0", "caf\udce9"],
        ["login", "--username", "caf\udce9"],
        ["--profile", "caf\udce9", "status"],
    ],
    ids=ascii,
)
def test_byte_that_is_no_text_is_refused_before_a_browser_starts(monkeypatch, tmp_path, capsys, arguments):
    monkeypatch.setenv("HUGGINGCHAT_HOME", str(tmp_path))
    monkeypatch.setenv("HUGGINGCHAT_BASE_URL", "http://127.0.0.1:9/chat")
    code = run_here(arguments)
    check_failed(Finished(code, *capsys.readouterr()), 2, "the byte 0xe9 at position 4")


@pytest.mark.parametrize(
    ("arguments", "to", "code", "says"),
    [
        (["tape", "show", str(TAPE)], "> /dev/full", 1, "No space left"),
        (["tape", "show", "--json", str(TAPE)], "> /dev/full", 1, "No space left"),
        (["--help"], "> /dev/full", 1, "No space left"),
        (["--version"], ">&-", 1, "stdout is closed"),
        (["tape", "show", str(TAPE)], "| exec 3<&-", 141, ""),
        (["--help"], "| exec 3<&-", 141, ""),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_output_that_nobody_takes_is_no_mistake_of_ours(stranger, arguments, to, code, says):
    pipe = f"set -o pipefail; {shlex.join([COMMAND, *arguments])} {to}"
    done = subprocess.run(
        ["bash", "-c", pipe], env=stranger.environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == code, done
    assert says in done.stderr and "mistake" not in done.stderr and done.stderr.count("\n") == bool(says)


def test_missing_browser_is_browser_trouble_and_costs_no_tape(stranger, tmp_path):
    tape = tmp_path / "keep.tape"
    tape.write_bytes(b"an older recording")
    done = stranger("ask", "--record", str(tape), "hello", env={"HUGGINGCHAT_BROWSER": "/nowhere/chromium"})
    check_failed(done, 4, "/nowhere/chromium")
    assert tape.read_bytes() == b"an older recording"


def test_file_where_the_state_folder_should_be_is_reported(stranger):
    stranger.home.write_text("in the way")
    check_failed(stranger("ask", "hello"), 1, str(stranger.home), "HUGGINGCHAT_HOME")


@pytest.mark.browser
def test_site_that_is_down_is_reported(stranger):
    stranger.base_url = "http://127.0.0.1:9/chat"
    check_failed(stranger("ask", "hello"), 1, "http://127.0.0.1:9/chat")


@pytest.mark.browser
def test_site_that_is_no_chat_ui_is_reported(guest, stand_in):
    guest.base_url = f"{stand_in.origin}/elsewhere"
    check_failed(guest.here("status"), 1, "does not answer as a chat-ui")


@pytest.mark.browser
def test_asking_without_a_session_says_how_to_get_one(guest):
    done = guest.here("ask", "hello")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("Error: Not signed in at") and "huggingchat login" in done.err


@pytest.mark.browser
def test_unknown_model_names_the_closest(shell):
    check_failed(shell.here("ask", "hello", "--model", "deepsek"), 1, "deepsek", "deepseek-ai/DeepSeek-R1")


@pytest.mark.browser
def test_failed_answer_keeps_the_text_that_came(shell):
    done = shell.here("ask", "--via", "page", "die 3")
    assert (done.code, done.out) == (1, "tok0 tok1 tok2 \n")
    assert done.err.startswith("Error: ") and "terminated" in done.err and done.err.count("\n") == 1


@pytest.mark.browser
def test_answer_that_takes_too_long_is_given_up(shell, stand_in):
    done = shell.here("ask", "--via", "page", "--timeout", "1", "hold 3")
    assert done.code == 1
    assert "--timeout" in done.err.splitlines()[0]
    assert not stand_in.control.running


@pytest.mark.browser
def test_browser_killed_in_the_middle_is_browser_trouble(starting, monkeypatch):
    shell = starting
    monkeypatch.setitem(shell.more, "HUGGINGCHAT_RECOVER", "0")  # else the answer goes on in another browser
    with shell.start("ask", "count 3000 every 10") as process:
        while b"5@" not in process.stdout.read(65536):
            pass
        for pid in shell.processes("--remote-debugging"):
            os.kill(pid, signal.SIGKILL)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 4, err
    assert err.startswith(b"Error: ") and err.count(b"\n") == 1, err


# The limit is set only when the session is saved: no browser would start under it.
FULL_DISK = """
import resource, sys
from huggingchat_agent.state import storage
from huggingchat_agent.cli import main

save = storage.SavedSession.save

def save_on_a_full_disk(self, state):
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    save(self, state)

storage.SavedSession.save = save_on_a_full_disk
sys.exit(main())
"""


@pytest.mark.browser
def test_full_disk_is_reported_in_a_sentence_and_leaves_no_half_written_file(stranger):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, "login", "--username", "ada", "--password-stdin"],
        input="correct horse\n",
        env=stranger.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    check_failed(Finished(done.returncode, done.stdout, done.stderr), 1, "Cannot write the saved session")
    left = [path for path in stranger.home.rglob("*") if path.is_file()]
    assert {path.parent.name for path in left} <= {"locks"}
    assert stranger.processes() == []
