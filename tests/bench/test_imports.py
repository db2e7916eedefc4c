"""A command that starts no browser loads nothing that drives one."""

import subprocess
import sys

import pytest

from tests.bench.imports import COMMANDS, measure, measure_warm

MOST = 770  # modules; --help loads those of every command

# They take longer to load than all that a question in a warm session needs.
HEAVY = (
    *(
        "asyncio",
        "ssl",
        "pydantic",
        "markdown_it",
        "pygments",
        "rich.markdown",
        "prompt_toolkit",
        "jsonschema",
    ),
    *("huggingchat_agent.sync", "huggingchat_agent.chat.chat", "huggingchat_agent.session", "filelock"),
    *("huggingchat_agent.wire", "huggingchat_agent.tape", "huggingchat_agent.playback"),
)
MOST_WARM = 330  # modules


@pytest.mark.parametrize("command", COMMANDS)
def test_command_without_a_browser_loads_no_browser_library(command):
    loaded = measure(command)
    assert loaded.libraries() == set()
    assert len(loaded.modules) <= MOST


def test_question_in_a_warm_session_loads_next_to_nothing(tmp_path):
    loaded = measure_warm(tmp_path)
    assert loaded.libraries() == set()
    assert {each for each in HEAVY if each in loaded.modules} == set()
    assert len(loaded.modules) <= MOST_WARM


def test_cold_question_does_not_wait_for_what_other_commands_need():
    """All that `ask` loads until its browser starts."""
    modules = ("cli.commands.ask", "sync", "browser.playwright")
    loads = "; ".join(f"import huggingchat_agent.{each}" for each in modules)
    done = subprocess.run(
        [sys.executable, "-c", f"{loads}; import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    unneeded = {"sqlite3", "rich.table", "rich.spinner", "prompt_toolkit", "pydantic"}
    assert unneeded & set(done.stdout.split()) == set()
