"""A tag on every browser we start, so that what it leaves behind can be found on the whole machine.

It stands in the command line of the browser process and in the environment that all its children
inherit; some of those overwrite their environment, so both are looked at.
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
    """The tag as a switch of the command line; browsers ignore those they do not know."""
    return f"--huggingchat-agent={tag}"


def tagged_environment(tag: str) -> dict[str, str]:
    """Our environment as the browser should see it: marked, and without our settings."""
    return inheritable() | {VARIABLE: tag}


def find_processes(tag: str = "") -> list[int]:
    """Ids of the processes with that tag, or with any. Linux only; empty elsewhere."""
    wanted = (tag_switch(tag).encode(), f"{VARIABLE}={tag}".encode())
    return sorted(
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if any(each in _read_bytes(folder / name) for name in ("cmdline", "environ") for each in wanted)
    )


def kill_processes(processes: Iterable[int]) -> None:
    """End processes at once; 0 and those that have ended already are passed over."""
    for process in set(processes) - {0}:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process, getattr(signal, "SIGKILL", signal.SIGTERM))


def find_temporary_folders(process: int) -> list[Path]:
    """The temporary folders of a browser that runs: its profile, and where its lock has its socket.

    Linux only; empty elsewhere. A browser that is killed leaves them behind.
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
    except OSError:  # it ended meanwhile, or is somebody else's
        return b""
