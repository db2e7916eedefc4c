"""Documents on their way out: to stdout, or to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent import files
from huggingchat_agent.cli import console
from huggingchat_agent.errors import StorageError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def write_json(value: Any) -> None:
    """A value as indented JSON on stdout."""
    console.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def check_writable(
    path: Path | None,
    *,
    force: bool = False,
    instead: str = "Give --force to write over it, or another name.",
) -> None:
    """Raise an error for a file that cannot or must not be written, before anything was done for it.

    StorageError where there is no place for it; UsageError where there is one already, and `instead` says
    what to do then.
    """
    if path is None:
        return
    if path.is_dir():
        raise StorageError(f"{path} is a folder. Name a file in it.")
    if path.is_file() and not force:  # what is no file, such as /dev/stdout, loses nothing
        raise UsageError(f"{path} is there already. {instead}")
    if not path.absolute().parent.is_dir():
        raise StorageError(
            f"There is no folder {path.absolute().parent} to write {path.name} to. Make it first."
        )


def write(text: str, path: Path | None) -> None:
    """The text to the file, or to stdout. Raises StorageError."""
    if path is None:
        console.write(text)
        return
    try:
        if path.exists() and not path.is_file():  # /dev/stdout, a pipe
            path.write_text(text, encoding="utf-8")
        else:
            files.write(path.resolve(), text.encode())
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}. Name another file."
        ) from None
    console.note(f"Written to {path}.")
