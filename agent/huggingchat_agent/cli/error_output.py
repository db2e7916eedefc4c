"""How a command fails: one sentence on stderr that says what to do, and an exit code for the kind."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from rich.text import Text

from huggingchat_agent import redact
from huggingchat_agent.cli import console
from huggingchat_agent.errors import AgentError, BrowserError

if TYPE_CHECKING:
    from pathlib import Path

DONE, CHAT_FAILED, WRONG_USAGE, NOT_SIGNED_IN, BROWSER_TROUBLE = range(5)
INTERRUPTED = 130  # 128 + SIGINT, as a shell has it
NOBODY_READS = 141  # 128 + SIGPIPE

EXIT_CODES = (
    "[bold]Exit codes[/bold]: 0 done · 1 the chat, the app, a file or the state folder failed · "
    "2 wrong usage · 3 not signed in · 4 browser trouble · 130 stopped by Ctrl-C · "
    "141 the output is no longer read"
)


def tell(error: BaseException) -> int:
    """Report the error on stderr; return the exit code. Ctrl-C and a closed pipe need no words."""
    if isinstance(error, SystemExit):
        if error.code == 1 and isinstance(
            error.__context__, BrokenPipeError
        ):  # rich raises this for a closed pipe
            console.abandon_stdout()
            return NOBODY_READS
        return error.code if isinstance(error.code, int) else CHAT_FAILED
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        console.abandon_stdout()
        return NOBODY_READS
    if isinstance(error, OSError) and error.filename is None and error.errno in console.UNWRITABLE:
        console.abandon_stdout()
        _say(f"The output cannot be written: {error.strerror}. Send it somewhere else.")
        return CHAT_FAILED
    if hasattr(error, "format_message"):  # typer's errors of usage; it has no public class for them
        return _tell_usage(error)
    if isinstance(error, AgentError):
        _say(redact.text(error.for_shell()))
        # The path of each picture gets its own line.
        notes = [each for each in getattr(error, "__notes__", ()) if str(error.screenshot) not in each]
        for each in notes:
            console.err.print(Text(redact.text(each), style="dim"))
        for name, path in (("screenshot", error.screenshot), ("page", error.snapshot)):
            _say_path(name, path)
    else:
        _say(
            f"This is a bug in huggingchat: {type(error).__name__}: "
            f"{redact.text(str(error))}. Run the command again with -v for the traceback, and report it."
        )
        if console.is_verbose():
            console.note(redact.text("".join(traceback.format_exception(error))).rstrip())
    return exit_code(error)


def exit_code(error: BaseException) -> int:
    """The exit code for a failure. If an answer failed because of the browser, that is browser trouble."""
    code = getattr(error, "exit_code", CHAT_FAILED)
    if code == CHAT_FAILED and isinstance(error.__cause__, BrowserError):
        return BROWSER_TROUBLE
    return int(code)


def _tell_usage(error: Any) -> int:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "huggingchat"
    message = " ".join(str(error.format_message()).split()).rstrip(".").replace("Value error, ", "")
    if message:  # no message: typer has shown the help page of a group without a command
        _say(f"{message}{'' if message.endswith('?') else '.'} See `{command} --help`.")
    return WRONG_USAGE


def _say(sentence: str) -> None:
    console.err.print(Text.assemble(("Error: ", "bold red"), sentence))


def _say_path(name: str, path: Path | None) -> None:
    if path is not None:
        console.err.print(Text.assemble((f"{name + ':':<12}", "dim"), str(path)))
