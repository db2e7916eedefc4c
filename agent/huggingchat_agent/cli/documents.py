"""Documents on their way out: to stdout, or to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.cli import console
from huggingchat_agent.errors import StorageError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def write_json(value: Any) -> None:
    """A value as indented JSON on stdout."""
    console.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def check_writable(path: Path | None, *, force: bool) -> None:
    """Raise UsageError for a file that must not be written, before anything was done for it."""
    if path is None:
        return
    if path.exists() and not force:
        raise UsageError(f"{path} is there already. Give --force to write over it, or another name.")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {path.absolute().parent} to write {path.name} to.")


def write(text: str, path: Path | None) -> None:
    """The text to the file, or to stdout. Raises StorageError."""
    if path is None:
        console.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror or error}.") from None
    console.note(f"Written to {path}.")
