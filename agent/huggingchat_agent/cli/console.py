"""The two ends of the command line: what was asked for goes to stdout, everything else to stderr."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from huggingchat_agent import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.status import Status

# Lines are not broken here: a terminal does that itself, and a file should get them whole.
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

# Why stdout may take nothing more. Files that we write to by name have errors of their own.
UNWRITABLE = (errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EBADF)

# What a terminal would obey instead of showing it, line ends and tabs excepted.
_CONTROLS = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)])


class _State:
    verbose = False


def verbose() -> bool:
    """Whether -v was given."""
    return _State.verbose


def begin(*, verbose: bool) -> None:
    """Set up for one run: logging to stderr, warnings only unless verbose."""
    _State.verbose = verbose
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, handlers=[_LogToStderr()], force=True
    )


def note(text: str) -> None:
    """Something nice to know: told to a person at a terminal, or with -v."""
    if err.is_terminal or verbose():
        err.print(Text(text, style="dim"))


def warn(text: str) -> None:
    """Something that should be known, though the command goes on."""
    err.print(Text.assemble(("Warning: ", "yellow"), text))


def say(text: str) -> None:
    """What a person has to do now."""
    err.print(Text(text))


class Progress:
    """What `progress` shows, if it shows anything."""

    def __init__(self, status: Status | None = None) -> None:
        self._status = status

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Keep still while somebody is asked something."""
        if self._status is None:
            yield
            return
        self._status.stop()
        try:
            yield
        finally:
            self._status.start()


@contextlib.contextmanager
def progress(doing: str) -> Iterator[Progress]:
    """Say what is being waited for while it takes, if somebody is looking."""
    if not err.is_terminal:
        yield Progress()
        return
    with err.status(Text(doing, style="dim"), spinner="dots") as status:
        yield Progress(status)


def write(text: str) -> None:
    """Text for stdout, at once, as it is; a terminal is spared control characters."""
    sys.stdout.write(printable(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def printable(text: str) -> str:
    """The text without what a terminal would obey."""
    return text.translate(_CONTROLS)


def write_line(line: bytes) -> None:
    """One line of JSON for stdout, at once."""
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def facts(rows: list[tuple[str, Any]]) -> None:
    """Names and values for stdout, one a line, aligned."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        out.print(Text.assemble((f"{name:<{width}}  ", "dim"), str(value)))


def fill_in() -> list[str]:
    """Open what of stdin, stdout and stderr was closed by who started us; the names.

    Else the next file that is opened would be in their place.
    """
    closed = [name for name in ("stdin", "stdout", "stderr") if getattr(sys, name) is None]
    for name in closed:
        setattr(sys, name, Path(os.devnull).open("r+"))
    return closed


def abandon_stdout() -> None:
    """Stdout takes nothing any more: make sure that nothing is written there at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _LogToStderr(logging.Handler):
    """Log records as single redacted lines; with their traceback only when verbose."""

    def emit(self, record: logging.LogRecord) -> None:
        ours = record.name.startswith("huggingchat_agent")
        if not (ours or verbose()):
            return
        text = record.getMessage()
        if record.exc_info and verbose():
            text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        if record.levelno >= logging.WARNING:
            warn(redact.text(text))
        else:
            note(redact.text(text))
