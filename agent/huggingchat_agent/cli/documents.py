"""Writes documents to stdout or to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from huggingchat_agent import files
from huggingchat_agent.cli import console
from huggingchat_agent.errors import StorageError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

JsonArray = Annotated[
    bool, typer.Option("--json", help="Print all that the app says about them, as one JSON array.")
]
JsonObject = Annotated[bool, typer.Option("--json", help="Print all of them, as one JSON object.")]


def write_json(value: Any) -> None:
    """Write a value as indented JSON to stdout."""
    # Headers of tool servers are no dict, and show masks.
    console.write_line(msgspec.json.format(msgspec.json.encode(value, enc_hook=dict), indent=2))


def check_writable(
    path: Path | None, *, force: bool = False, advice: str = "Give --force to replace it, or another name."
) -> None:
    """Check that a file can be written, before the work for it begins. None is stdout.

    Raises StorageError if its folder is missing, and UsageError with `advice` if the file exists.
    """
    if path is None:
        return
    if path.is_dir():
        raise StorageError(f"{path} is a folder. Name a file in it.")
    if path.is_file() and not force:  # a device, such as /dev/stdout, loses nothing
        raise UsageError(f"{path} exists already. {advice}")
    if not path.absolute().parent.is_dir():
        raise StorageError(f"There is no folder {path.absolute().parent} for {path.name}. Make it first.")


def write(text: str, path: Path | None) -> None:
    """Write the text to the file, or to stdout. Raises StorageError."""
    if path is None:
        console.write(text)
        return
    write_file(path, text)
    console.note(f"Wrote {path}.")


def write_file(path: Path, text: str, *, private: bool = False) -> None:
    """Write a file, whole or not at all. Raises StorageError."""
    with files.explain_failure(StorageError, f"{path} cannot be written", "Name another file."):
        files.write(path, text.encode(), private=private)
