"""A tag on every browser that we start. It finds the browser's processes on the whole machine, and who
started them.

It is in the browser's command line, and in the environment of its child processes. Some of these overwrite
their environment, so a search looks at both.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from huggingchat_agent.environment import get_inheritable

if TYPE_CHECKING:
    from collections.abc import Iterable

VARIABLE = "HUGGINGCHAT_AGENT_MARK"


_TAG = re.compile(rb"(?:--huggingchat-agent=|HUGGINGCHAT_AGENT_MARK=)(\d+\.\d+)\.[0-9a-f]{32}")


class Owner(NamedTuple):
    """A process that started a browser, and when that process began (0 if unknown): ids are reused."""

    process: int
    begun: int

    @classmethod
    def current(cls) -> Owner:
        """This process."""
        return cls(os.getpid(), _read_start(os.getpid()))

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """The owner in a text; None if it holds none."""
        found = re.fullmatch(r"(\d{1,9})\.(\d{1,19})", text.strip())
        return cls(int(found[1]), int(found[2])) if found else None

    def __str__(self) -> str:
        return f"{self.process}.{self.begun}"

    @property
    def alive(self) -> bool:
        """Whether it still runs. True where that is not known."""
        if not self.begun:
            return is_alive(self.process)
        return _read_start(self.process) == self.begun


def is_alive(process: int) -> bool:
    """Whether a process of that id runs. True where that is not known."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    # One that has ended is still there until its parent asks for its outcome.
    return b") Z " not in _read_bytes(Path(f"/proc/{process}/stat"))


def make_tag() -> str:
    """A new tag of this process."""
    return f"{Owner.current()}.{uuid4().hex}"


def find_owner(process: int) -> Owner | None:
    """Who started a process with a tag. None if it has none, or one of an older version."""
    for name in ("cmdline", "environ"):
        if found := _TAG.search(_read_bytes(Path(f"/proc/{process}/{name}"))):
            return Owner.parse(found[1].decode())
    return None


def is_tag(text: str) -> bool:
    """Whether that may be a tag."""
    return re.fullmatch(r"\d+\.\d+\.[0-9a-f]{32}", text) is not None


def make_switch(tag: str) -> str:
    """The tag as a command-line switch. Browsers ignore unknown switches."""
    return f"--huggingchat-agent={tag}"


def tag_environment(tag: str) -> dict[str, str]:
    """Our environment for the browser: with the tag, and without our settings."""
    return get_inheritable() | {VARIABLE: tag}


def find_processes(tag: str = "") -> list[int]:
    """Ids of the processes with that tag, or with any tag. Linux only; empty elsewhere."""
    wanted = (make_switch(tag).encode(), f"{VARIABLE}={tag}".encode())
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


def _read_start(process: int) -> int:
    """When a process began, in clock ticks since the system started. 0 if it does not run. Linux only."""
    fields = _read_bytes(Path(f"/proc/{process}/stat")).rpartition(b") ")[2].split()
    return int(fields[19]) if len(fields) > 19 and fields[0] != b"Z" else 0


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended, or belongs to another user
        return b""
