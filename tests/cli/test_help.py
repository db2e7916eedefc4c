"""The help teaches, and the reference says the same."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

import huggingchat_agent
from huggingchat_agent.cli import error_output
from huggingchat_agent.cli.app import COMMANDS, GROUPS, app, load
from huggingchat_agent.cli.app import run as run_here
from huggingchat_agent.cli.options import SHARED
from huggingchat_agent.settings import read_fields
from tests.cli.reference import reference
from tests.cli.shell import COMMAND

GROUP: Any = typer.main.get_command(app)
BELOW = {name: load(name).COMMANDS for name in GROUPS}
# What leads to each command: its name, or its group's and its own.
PATHS = [(name,) for name in COMMANDS] + [
    (group, *below)
    for group, commands in BELOW.items()
    for below in ((), *((command.__name__.rstrip("_"),) for command in commands))
]
EXAMPLES = [line for commands in (COMMANDS, *BELOW.values()) for lines in commands.values() for line in lines]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_reference_is_what_the_commands_say():
    written = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    assert written == reference(), "run: python -m tests.cli.reference > docs/cli.md"


def test_reference_names_every_variable_of_the_environment():
    names = [field.opposite or name for name, (_, field) in read_fields().items() if field.variable]
    assert len(names) > 15
    assert {f"HUGGINGCHAT_{name.upper()}" for name in names} == set(
        re.findall(r"HUGGINGCHAT_[A-Z_]+", reference().partition("## Environment")[2])
    )


def test_options_stand_for_settings_of_the_same_name():
    assert set(SHARED) - {"verbose"} == {name for name, (_, field) in read_fields().items() if field.panel}


def test_help_lists_commands_and_exit_codes():
    done = run(COMMAND, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    for name in (*COMMANDS, *GROUPS):
        assert re.search(rf"\b{name}\b", done.stdout)
    for code in (error_output.CHAT_FAILED, error_output.NOT_SIGNED_IN, error_output.BROWSER_TROUBLE):
        assert re.search(rf"\b{code} [a-z]", done.stdout)


def find_command(path):
    command = GROUP
    for name in path:
        command = command.commands[name]
    return command


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_of_a_command_explains_itself(path, capsys):
    code = run_here([*path, "--help"])
    shown, complaint = capsys.readouterr()
    assert (code, complaint) == (0, "")
    command = find_command(path)
    assert command.help.split(".")[0].split(",")[0] in shown
    assert f"$ huggingchat {' '.join(path)}" in shown
    assert "--base-url" in shown and "--verbose" in shown
    assert all(each.help for each in command.params)


@pytest.mark.parametrize("line", EXAMPLES)
def test_examples_are_good_usage(line):
    words = shlex.split(line.replace("\\[", "["))
    start = words.index("huggingchat")
    end = next((words.index(each) for each in ("|", ">") if each in words[start:]), len(words))
    end = len(words) if end < start else end
    command, arguments = GROUP, words[start + 1 : end]
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    command.make_context(command.name, arguments)  # raises for what it does not know


def test_no_arguments_are_answered_with_the_help():
    done = run(COMMAND)
    assert done.returncode == error_output.WRONG_USAGE
    assert "Usage: huggingchat" in done.stdout


def test_version_is_the_one_of_the_package():
    done = run(sys.executable, "-m", "huggingchat_agent", "--version")
    assert done.stdout == f"huggingchat-agent {huggingchat_agent.__version__}\n"


@pytest.mark.parametrize("group", GROUPS)
def test_group_without_a_command_shows_which_there_are(group, capsys):
    code = run_here([group])
    shown, complaint = capsys.readouterr()
    assert (code, complaint) == (error_output.WRONG_USAGE, "")
    assert "Commands" in shown


def test_completion_knows_the_commands():
    environment = {
        "_HUGGINGCHAT_COMPLETE": "complete_bash",
        "COMP_WORDS": "huggingchat lo",
        "COMP_CWORD": "1",
    }
    done = subprocess.run([COMMAND], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["login", "logout"]


BROKEN = """
import sys
from huggingchat_agent.cli import app
from huggingchat_agent.cli.commands import models

def broken(options):
    raise KeyError("oops")

models.open_signed_in = broken
sys.exit(app.run(sys.argv[1:]))
"""


def test_mistake_of_ours_is_called_one_and_shows_its_traceback_only_when_asked():
    done = run(sys.executable, "-c", BROKEN, "models")
    assert done.returncode == error_output.CHAT_FAILED
    assert "bug in huggingchat: KeyError" in done.stderr and "-v" in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" in run(sys.executable, "-c", BROKEN, "models", "-v").stderr
