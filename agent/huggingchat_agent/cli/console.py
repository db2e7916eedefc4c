"""What the command line prints: the result goes to stdout, everything else to stderr."""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from huggingchat_agent import redact
from huggingchat_agent.cli.terminal import Drawing, Terminal, lock, to_one_line
from huggingchat_agent.errors import UsageError
from huggingchat_agent.printable import escape_json, show_marks, strip_controls

if TYPE_CHECKING:
    from collections.abc import Iterator

# No line breaks here: a terminal wraps by itself, and a file should get whole lines.
out = Terminal(soft_wrap=True)
err = Terminal(stderr=True, soft_wrap=True, marks=True)

# Errors of a stdout that accepts no more. Files that we write by name have their own errors.
UNWRITABLE = (errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EBADF)


# How stdin is decoded where it is not UTF-8.
_STDIN = "huggingchat stdin"


class _State:
    verbose = False
    garbled = False  # stdin had bytes that are not UTF-8


def is_verbose() -> bool:
    """Whether the user gave -v."""
    return _State.verbose


def begin(*, verbose: bool) -> None:
    """Set up logging to stderr for one run: warnings only, unless verbose."""
    _State.verbose = verbose
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, handlers=[_LogToStderr()], force=True
    )


def note(text: str) -> None:
    """Print extra information on stderr, for a person at a terminal or with -v."""
    if err.is_terminal or is_verbose():
        err.print(Text(text, style="dim"))


def warn(text: str) -> None:
    """Print a warning on stderr. The command goes on."""
    err.print(Text.assemble(("Warning: ", "yellow"), text))


def say(text: str) -> None:
    """Print on stderr an instruction to the person, or what the command does with their input."""
    err.print(Text(text))


def confirm(question: str) -> bool:
    """Ask on stderr. Only "y" and "yes" mean yes."""
    err.print(f"{question} [y/N] ", end="", markup=False)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def report(text: str) -> None:
    """Print on stdout a sentence about what the command did."""
    out.print(Text(show_marks(text)))


class Progress:
    """The line that `show_progress` shows, if any."""

    def __init__(self, doing: str | None = None) -> None:
        self._doing = doing
        self._drawing: Drawing | None = None

    def start(self) -> None:
        if self._doing is not None:
            from rich.spinner import Spinner  # with Rich's tables, which a pipe does not need

            self._drawing = Drawing(Spinner("dots", Text(self._doing, style="dim")), err, animated=True)

    def stop(self) -> None:
        if self._drawing is not None:
            self._drawing.stop()
            self._drawing = None

    @contextlib.contextmanager
    def pause(self) -> Iterator[None]:
        """Hide it while a person answers a question."""
        self.stop()
        try:
            yield
        finally:
            self.start()


@contextlib.contextmanager
def show_progress(doing: str) -> Iterator[Progress]:
    """Show what the command waits for, if stderr is a terminal."""
    shown = Progress(doing if err.is_terminal else None)
    shown.start()
    try:
        yield shown
    finally:
        shown.stop()


def write(text: str) -> None:
    """Write text to stdout at once. A terminal gets it without control characters."""
    with lock:
        sys.stdout.write(strip_controls(text) if sys.stdout.isatty() else text)
        sys.stdout.flush()


def write_line(line: bytes) -> None:
    """Write one line of JSON, in UTF-8, to stdout at once."""
    write(escape_json(line.decode()) + "\n")


def print_facts(rows: list[tuple[str, Any]]) -> None:
    """Print names and values on stdout, one pair a line, aligned."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        out.print(Text.assemble((f"{name:<{width}}  ", "dim"), to_one_line(str(value))))


def prepare_streams() -> list[str]:
    """Make stdin, stdout and stderr usable; return the names of those that were closed.

    Pipes and files carry UTF-8, whatever the locale says. A terminal keeps its own encoding, and shows a
    question mark for a character that it does not have.
    """
    closed = [name for name in ("stdin", "stdout", "stderr") if getattr(sys, name) is None]
    for name in closed:
        # Otherwise the next open file would take its place.
        setattr(sys, name, Path(os.devnull).open("r+", encoding="utf-8"))
    codecs.register_error(_STDIN, _replace_byte)
    _State.garbled = False
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = None if stream.isatty() else "utf-8-sig" if stream is sys.stdin else "utf-8"
            stream.reconfigure(encoding=encoding, errors=_STDIN if stream is sys.stdin else "replace")
    return closed


def _replace_byte(error: UnicodeError) -> tuple[str, int]:
    """U+FFFD for a byte on stdin, with a warning for the first one. Raises UsageError for UTF-16."""
    assert isinstance(error, UnicodeDecodeError)
    if not error.start and error.object.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UsageError("stdin is in UTF-16. Give it in UTF-8: iconv -f UTF-16 -t UTF-8.")
    if not _State.garbled:
        _State.garbled = True
        byte = error.object[error.start]
        warn(f"stdin holds the byte 0x{byte:02x}, which is not UTF-8. Such bytes become U+FFFD.")
    return "\ufffd", error.end


def abandon_stdout() -> None:
    """Send the rest of stdout nowhere, because nobody reads it any more."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _LogToStderr(logging.Handler):
    """Log records as single redacted lines; with their traceback only when verbose."""

    def emit(self, record: logging.LogRecord) -> None:
        ours = record.name.startswith("huggingchat_agent")
        if not (ours or is_verbose()):
            return
        text = record.getMessage()
        if record.exc_info and is_verbose():
            text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        if record.levelno >= logging.WARNING:
            warn(redact.text(text))
        else:
            note(redact.text(text))
