"""A tag on every browser that we start. It finds the browser's processes on the whole machine.

It is in the browser's command line, and in the environment of its child processes. Some of these overwrite
their environment, so a search looks at both.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from huggingchat_agent.environment import inheritable

if TYPE_CHECKING:
    from collections.abc import Iterable

VARIABLE = "HUGGINGCHAT_AGENT_MARK"


def new_tag() -> str:
    """A new tag."""
    return uuid4().hex


def tag_switch(tag: str) -> str:
    """The tag as a command-line switch. Browsers ignore unknown switches."""
    return f"--huggingchat-agent={tag}"


def tagged_environment(tag: str) -> dict[str, str]:
    """Our environment for the browser: with the tag, and without our settings."""
    return inheritable() | {VARIABLE: tag}


def find_processes(tag: str = "") -> list[int]:
    """Ids of the processes with that tag, or with any tag. Linux only; empty elsewhere."""
    wanted = (tag_switch(tag).encode(), f"{VARIABLE}={tag}".encode())
    return sorted(
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if any(each in _read_bytes(folder / name) for name in ("cmdline", "environ") for each in wanted)
    )


def kill_processes(processes: Iterable[int]) -> None:
    """Kill processes. Skips 0 and processes that have ended already."""
    for process in set(processes) - {0}:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process, getattr(signal, "SIGKILL", signal.SIGTERM))


def find_temporary_folders(process: int) -> list[Path]:
    """The temporary folders of a running browser: its profile, and the folder of its lock's socket.

    Linux only; empty elsewhere. A killed browser leaves them behind.
    """
    arguments = _read_bytes(Path(f"/proc/{process}/cmdline")).decode(errors="replace").split("\0")
    profiles = [Path(each.partition("=")[2]) for each in arguments if each.startswith("--user-data-dir=")]
    sockets = [
        socket.readlink().parent for each in profiles if (socket := each / "SingletonSocket").is_symlink()
    ]
    return profiles + sockets


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended, or belongs to another user
        return b""
