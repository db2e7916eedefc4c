"""`ask`, as a person or a script runs it."""

import json
import signal

import pytest

from tests.cli.conftest import PASSWORD

pytestmark = pytest.mark.browser

LONG = "count 3000 every 10"


def find_newest(stand_in):
    return stand_in.control.conversations()[0]


def read_until(stream, text):
    """Read from an unbuffered pipe until the text was seen, and not a byte further than was there."""
    seen = b""
    while text not in seen:
        piece = stream.read(65536)
        assert piece, f"{text!r} did not come; there was {seen!r}"
        seen += piece
    return seen


def test_ask_prints_the_answer_and_nothing_else(shell, stand_in):
    done = shell("ask", "hello there", "--model", "qwen", "--system", "Be brief.")
    stored = find_newest(stand_in)
    assert stored["messages"][-1]["content"] == done.out.rstrip("\n") != ""
    assert (done.code, done.err) == (0, "")
    assert stored["model"] == "Qwen/Qwen2.5-VL-7B-Instruct"
    assert stored["preprompt"] == "Be brief."


def test_ask_reads_the_prompt_from_stdin_and_goes_on_in_a_conversation(shell, stand_in):
    first = shell("ask", "--via", "page", stdin="one\ntwo\n")
    assert first.out.startswith("You said: one\ntwo")
    conversation = find_newest(stand_in)
    second = shell.here("ask", "--conversation", conversation["id"], "--via", "page", "three")
    assert second.code == 0
    said = [each["content"] for each in stand_in.control.conversation(conversation["id"])["messages"]]
    assert [said[1], said[3]] == ["one\ntwo\n", "three"]


def test_piped_text_goes_along_with_the_prompt(shell, stand_in):
    cp1252 = {"PYTHONIOENCODING": "cp1252"}
    done = shell("ask", "Explain this.", "--via", "page", stdin="x = '日本'\n", env=cp1252)
    assert (done.code, done.err) == (0, "9 characters from stdin go with the prompt.\n")
    assert find_newest(stand_in)["messages"][1]["content"] == "Explain this.\n\nx = '日本'\n"
    assert "x = '日本'" in done.out
    done = shell("ask", "Explain this.", "--via", "page", "--no-stdin", stdin="x = 1\n")
    assert (done.code, done.err) == (0, "")
    assert find_newest(stand_in)["messages"][1]["content"] == "Explain this."


@pytest.mark.parametrize("via", ["ui", "page"])
def test_tokens_arrive_one_by_one_through_a_pipe(shell, stand_in, via):
    tokens = 5
    with shell.start("ask", "--via", via, f"hold {tokens}") as process:
        for number in range(tokens):
            # The next token is only made when this one came out of the pipe.
            stand_in.control.release(upto=number)
            read_until(process.stdout, b"%d@" % number)
        assert process.wait(30) == 0
        assert process.stderr.read() == b""


def test_json_lines_are_the_events_in_order_and_hold_no_secret(shell, stand_in):
    done = shell.here("ask", "--json", "for what reason?")
    assert (done.code, done.err) == (0, "")
    lines = [json.loads(line) for line in done.out.splitlines()]
    names = [line["event"] for line in lines]
    assert names[0] == "started" and names[-2:] == ["answer", "finished"]
    assert {"token", "reasoning", "title"} < set(names)
    assert [line["seq"] for line in lines] == [*range(1, len(lines) + 1)]
    assert "".join(each["text"] for each in lines if each["event"] == "token") == lines[-2]["answer"]["text"]
    assert {line["conversation_id"] for line in lines} == {find_newest(stand_in)["id"]}
    cookies = json.loads((shell.home / "profiles" / "default" / "session.json").read_text())["cookies"]
    for secret in (PASSWORD, *(cookie["value"] for cookie in cookies)):
        assert secret not in done.out


def test_temporary_conversation_is_gone_afterwards(shell, stand_in):
    before = len(stand_in.control.conversations())
    assert shell.here("ask", "--temporary", "--via", "page", "hello").code == 0
    assert len(stand_in.control.conversations()) == before


def test_session_is_made_from_the_environment_when_none_is_saved(guest):
    environment = {"HUGGINGCHAT_USERNAME": "ada", "HUGGINGCHAT_PASSWORD": PASSWORD}
    done = guest.here("--profile", "other", "ask", "--via", "page", "hello", env=environment)
    assert done.code == 0
    assert (guest.home / "profiles" / "other" / "session.json").exists()


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_stops_the_answer_on_the_server_and_leaves_nothing_running(starting, stand_in, number, code):
    with starting.start("ask", "--via", "page", LONG) as process:
        read_until(process.stdout, b"5@")
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (code, b"")
    assert find_newest(stand_in)["messages"][-1]["interrupted"] is True
    assert not stand_in.control.running
    assert not starting.processes()


def test_interrupt_before_anything_is_sent_leaves_nothing_running(shell, stand_in):
    opened = stand_in.control.count("GET", "/chat/$")
    with shell.start("ask", "hello") as process:
        stand_in.control.wait_for("GET", "/chat/$", opened + 1, timeout=30)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30) == (b"", b"")
    assert process.returncode == 130
    assert not shell.processes()


def test_answer_is_stopped_when_nobody_reads_it(shell, stand_in):
    with shell.start("ask", "--via", "page", LONG) as process:
        read_until(process.stdout, b"5@")
        process.stdout.close()
        assert process.wait(30) == 141
        assert process.stderr.read() == b""
    assert find_newest(stand_in)["messages"][-1]["interrupted"] is True
    assert not stand_in.control.running
