"""What the long scripts of this folder share: where a run was made, and its progress bar."""

from __future__ import annotations

import datetime
import os
import platform
from importlib.metadata import version
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Made(msgspec.Struct, kw_only=True):
    """Where a run was made, and the date of its first part."""

    machine: str
    date: str
    versions: dict[str, str]


def describe_machine() -> str:
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def describe_run(*packages: str) -> dict[str, Any]:
    """The fields of `Made` for a run that begins now, with the versions of these packages."""
    return {
        "machine": describe_machine(),
        "date": str(datetime.datetime.now(datetime.UTC).date()),
        "versions": {name: version(name) for name in packages} | {"Python": platform.python_version()},
    }


def make_progress() -> Progress:
    """A progress bar on stderr, with counts and time."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
