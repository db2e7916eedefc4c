"""How a command fails: one sentence on stderr that says what to do, and an exit code that says what kind."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from rich.text import Text

from huggingchat_agent import redact
from huggingchat_agent.cli import console
from huggingchat_agent.errors import (
    AgentError,
    BrowserError,
    LoginError,
    SettingsError,
    UsageError,
)

if TYPE_CHECKING:
    from pathlib import Path

DONE, CHAT_FAILED, WRONG_USAGE, NOT_SIGNED_IN, BROWSER_TROUBLE = range(5)
INTERRUPTED = 130  # 128 + SIGINT, as a shell has it
NOBODY_READS = 141  # 128 + SIGPIPE

EXIT_CODES = (
    "[bold]Exit codes[/bold]: 0 done · 1 the chat, the app or the state folder failed · 2 wrong usage · "
    "3 not signed in · 4 browser trouble · 130 stopped by Ctrl-C · 141 nobody reads the output any more"
)


# What Python code would write, and what it is here.
_HERE = {"deadlines=": "--timeout", 'via="page"': "--via page"}


class NotSignedIn(LoginError):
    """A LoginError whose advice is for the command line."""


def tell(error: BaseException) -> int:
    """Say on stderr what went wrong; the exit code. Ctrl-C and a closed pipe need no words."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else CHAT_FAILED
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        console.abandon_stdout()
        return NOBODY_READS
    if hasattr(error, "format_message"):  # typer's errors of usage; it has no public class for them
        return _tell_usage(error)
    if isinstance(error, AgentError):
        sentence = redact.text(str(error))
        for there, here in _HERE.items():
            sentence = sentence.replace(there, here)
        _say(sentence)
        # The paths of a picture have lines of their own.
        notes = [each for each in getattr(error, "__notes__", ()) if str(error.screenshot) not in each]
        for each in notes:
            console.err.print(Text(redact.text(each), style="dim"))
        for name, path in (("screenshot", error.screenshot), ("page", error.snapshot)):
            _say_path(name, path)
    else:
        _say(
            f"This should not have happened, and is a mistake in huggingchat: {type(error).__name__}: "
            f"{redact.text(str(error))}. Run the command again with -v for the traceback, and report it."
        )
        if console.verbose():
            console.note(redact.text("".join(traceback.format_exception(error))).rstrip())
    return exit_code(error)


def exit_code(error: BaseException) -> int:
    """What kind of failure it is."""
    if isinstance(error, UsageError | SettingsError):
        return WRONG_USAGE
    if isinstance(error, LoginError):
        return NOT_SIGNED_IN
    if isinstance(error, BrowserError) or isinstance(error.__cause__, BrowserError):
        return BROWSER_TROUBLE
    return CHAT_FAILED


def _tell_usage(error: Any) -> int:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "huggingchat"
    message = " ".join(str(error.format_message()).split()).rstrip(".").replace("Value error, ", "")
    if message:  # none where its help page was what it had to say: a group without a command
        _say(f"{message}. See `{command} --help`.")
    return WRONG_USAGE


def _say(sentence: str) -> None:
    console.err.print(Text.assemble(("Error: ", "bold red"), sentence))


def _say_path(name: str, path: Path | None) -> None:
    if path is not None:
        console.err.print(Text.assemble((f"{name + ':':<12}", "dim"), str(path)))
