"""The line of `chat` that a person types in."""

import os
import re
import sys
import threading
import time

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from huggingchat_agent.cli.prompt import Prompt, _CommandCompleter
from huggingchat_agent.cli.slash import HELP
from huggingchat_agent.errors import ChatError
from tests.cli.shell import Shell

MODELS = ["meta-llama/Llama-3.3-70B-Instruct", "Qwen/Qwen2.5-VL-7B-Instruct"]
APART = 0.3  # seconds: more than one read


@pytest.fixture
def keyboard():
    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=DummyOutput()):
        yield keyboard


def read(keyboard, *typed, prompt=None):
    """The next message of a person who types these, one after the other."""
    prompt = prompt or Prompt("› ", HELP, lambda: MODELS, DummyOutput())

    def type_all():
        for number, keys in enumerate(typed):
            if number:
                time.sleep(APART)
            keyboard.send_text(keys)

    typist = threading.Thread(target=type_all)
    typist.start()
    try:
        return prompt.read()
    finally:
        typist.join()


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["hello\r"], "hello"),
        (["\x1b[200~one\n\n  two\r\nthree\n\x1b[201~", "\r"], "one\n\n  two\nthree\n"),
        (["one\rtwo\r\rthree\r"], "one\ntwo\n\nthree"),  # a paste that no terminal marked
        (["one", "\x1b\r", "two\r"], "one\ntwo"),
        (["one\\", "\r", "two\\", "\r", "three\r"], "one\ntwo\nthree"),
        (["a\\b\r"], "a\\b"),
        (["/mod", "\t", " qwen", "\t", "\r"], f"/model {MODELS[1]}"),
    ],
)
def test_message_may_have_lines(keyboard, typed, message):
    assert read(keyboard, *typed) == message


@pytest.mark.parametrize(("key", "error"), [("\x04", EOFError), ("\x03", KeyboardInterrupt)])
def test_control_keys_end_the_line(keyboard, key, error):
    with pytest.raises(error):
        read(keyboard, key)


def test_history_is_searched(keyboard):
    prompt = Prompt("› ", HELP, lambda: MODELS, DummyOutput())
    for message in ("first question", "second question"):
        assert read(keyboard, f"{message}\r", prompt=prompt) == message
    # The arrow key finds what begins so, Ctrl-R what contains it.
    assert read(keyboard, "fir", "\x1b[A", "\r", prompt=prompt) == "first question"
    assert read(keyboard, "\x12", "ond", "\r", "\r", prompt=prompt) == "second question"


def complete(text, read_models=lambda: MODELS):
    completer = _CommandCompleter(HELP, read_models)
    return [each.text for each in completer.get_completions(Document(text), CompleteEvent())]


def test_commands_models_and_paths_are_completed(tmp_path):
    (tmp_path / "notes.txt").touch()
    assert complete("/") == [usage.split()[0] for usage in HELP]
    assert complete("/e") == ["/edit", "/export"]
    assert complete("/model LLAMA") == MODELS[:1]
    assert complete(f"/file {tmp_path}/no") == ["tes.txt"]
    assert complete(f"/export {tmp_path}/no") == ["tes.txt"]
    for text in ("", "hello /e", "/url x", "/e\nx", "//e"):
        assert complete(text) == []


@pytest.mark.parametrize("name", ["a\x1b]52;c;eA==\x07", "a\u202egpj.exe", "a\nb", "a\x9b1m"])
def test_names_that_the_prompt_cannot_show_are_no_completions(tmp_path, name):
    (tmp_path / name).touch()
    (tmp_path / "a  b").touch()
    assert complete("/model ", lambda: [name, *MODELS]) == MODELS
    assert complete(f"/file {tmp_path}/") == ["a  b"]


def test_models_that_cannot_be_read_are_no_completions():
    def fail():
        raise ChatError("The app did not answer.")

    assert complete("/model ", fail) == []


PROGRAM = """
import sys
from huggingchat_agent.cli.commands.chat import _choose_reader
from huggingchat_agent.cli.keyboard import Keys
keys = Keys()
keys.mute()
print("answering", flush=True)
for pipe in sys.argv[1:]:
    open(pipe).read()
keys.unmute()
print("answered", flush=True)
print(repr(_choose_reader(list)()))
"""


def start(environment, tmp_path, *arguments):
    shell = Shell("http://localhost", tmp_path)
    command = [sys.executable, "-c", PROGRAM]
    return shell.terminal(*arguments, environment=shell.environment(environment), command=command)


@pytest.mark.parametrize(
    ("environment", "allowed"),
    [
        ({"NO_COLOR": "1"}, r"\x1b\[(?![\d;]*[34][0-7])[^a-zA-Z]*[a-zA-Z]"),
        ({"TERM": "dumb"}, "(?!)"),
    ],
)
def test_terminal_without_colours_or_escapes_gets_none(environment, allowed, tmp_path):
    with start(environment, tmp_path) as terminal:
        terminal.expect("› ")
        terminal.type("hello\n")
        terminal.expect("'hello'")
        assert terminal.code() == 0
        assert "\x1b" not in re.sub(allowed, "", terminal.shown)


def test_paste_at_a_dumb_terminal_is_one_message(tmp_path):
    with start({"TERM": "dumb"}, tmp_path) as terminal:
        terminal.expect("› ")
        terminal.type("one\n\ntwo\n")
        terminal.expect(r"'one\n\ntwo'")
        assert terminal.code() == 0


def test_keys_typed_during_an_answer_wait_for_the_prompt(tmp_path):
    answer = tmp_path / "the answer is over"
    os.mkfifo(answer)
    with start({}, tmp_path, str(answer)) as terminal:
        terminal.expect("answering")
        terminal.type("typed ahead")
        answer.write_text("yes")
        terminal.expect("answered")
        assert "typed" not in terminal.shown
        terminal.expect("typed ahead")
        terminal.type("!\n")
        terminal.expect("'typed ahead!'")
        assert terminal.code() == 0


LEAVES_NO_TRACE = """
import subprocess, sys, termios
from huggingchat_agent.cli.keyboard import keep_mode
with keep_mode():
    subprocess.run(["stty", "-echo", "-icanon"])
print("echo is", "on" if termios.tcgetattr(0)[3] & termios.ECHO else "off")
"""


def test_terminal_is_left_as_it_was(tmp_path):
    shell = Shell("http://localhost", tmp_path)
    with shell.terminal(command=[sys.executable, "-c", LEAVES_NO_TRACE]) as terminal:
        terminal.expect("echo is on")
        assert terminal.code() == 0
