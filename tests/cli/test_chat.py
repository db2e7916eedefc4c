"""`chat`, at a terminal and through a pipe."""

import pytest

pytestmark = pytest.mark.browser

PROMPT = "› "
LONG = "count 3000 every 10"


def test_dialogue_goes_on_in_one_conversation_until_quit(shell, stand_in):
    with shell.terminal("chat", "--via", "page") as terminal:
        terminal.expect("/quit")
        for said in ("first", "second"):
            terminal.expect(PROMPT)
            terminal.type(f"{said}\n")
            terminal.expect(f"You said: {said}")
        terminal.expect(PROMPT)
        terminal.type("/url\n")
        conversation = stand_in.control.conversations()[0]
        terminal.expect(f"{stand_in.url}/conversation/{conversation['id']}")
        terminal.expect(PROMPT)
        terminal.type("/quit\n")
        assert terminal.code() == 0
    prompts = [each["content"] for each in conversation["messages"] if each["from"] == "user"]
    assert prompts == ["first", "second"]


def test_interrupt_stops_the_answer_and_twice_ends(shell, stand_in):
    with shell.terminal("chat") as terminal:
        terminal.expect(PROMPT)
        terminal.type(f"{LONG}\n")
        terminal.expect(" 5@")
        terminal.type("\x03")
        terminal.expect("Stopped. Ctrl-C again ends.")
        assert stand_in.control.conversations()[0]["messages"][-1]["interrupted"] is True
        terminal.expect(PROMPT)
        terminal.type("hello\n")
        terminal.expect("You said: hello")
        terminal.expect(PROMPT)
        terminal.type("half a line")
        terminal.expect("half a line")
        terminal.type("\x03")
        terminal.expect("Ctrl-C again ends.")
        terminal.expect(PROMPT)
        terminal.type("again")
        terminal.expect("again")
        terminal.type("\x03")
        assert terminal.code() == 130
    assert not shell.processes()


def test_failed_answer_does_not_end_the_dialogue(shell):
    with shell.terminal("chat", "--via", "page", "--temporary") as terminal:
        terminal.expect(PROMPT)
        terminal.type("die 3\n")
        terminal.expect("Error: ")
        terminal.expect(PROMPT)
        terminal.type("\x04")
        assert terminal.code() == 0


def test_lines_of_a_pipe_are_asked_one_after_the_other(shell):
    done = shell("chat", "--via", "page", stdin="one\n\ntwo\n")
    assert (done.code, done.err) == (0, "")
    first, second = done.out.splitlines()
    assert first.startswith("You said: one") and second.startswith("You said: two")
