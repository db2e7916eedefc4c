"""A tag on every browser that we start. It finds the browser's processes on the whole machine, and who
started them.

It is in the browser's command line, and in the environment of its child processes. Most of these overwrite
their environment: renderers, and the process of the network. So a search also takes what is below a process
with the tag, or in its group.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from huggingchat_agent.environment import get_inheritable

if TYPE_CHECKING:
    from collections.abc import Iterable

VARIABLE = "HUGGINGCHAT_AGENT_MARK"

_SWITCH = "--huggingchat-agent="
_TAG = re.compile(r"\d+\.\d+\.[0-9a-f]{32}")


class _Place(NamedTuple):
    """Where a process stands: its parent, and the leader of its group."""

    parent: int
    group: int


class Owner(NamedTuple):
    """A process that started a browser, and when that process began (0 if unknown): ids are reused."""

    process: int
    begun: int

    @classmethod
    def of(cls, process: int) -> Owner:
        """The process with this id."""
        return cls(process, _read_start(process))

    @classmethod
    def current(cls) -> Owner:
        """This process."""
        return cls.of(os.getpid())

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

    @property
    def exists(self) -> bool:
        """Whether its id is still its own: it runs, or its parent has not yet collected its outcome."""
        if not self.begun:
            return is_alive(self.process)
        return _read_start(self.process, ended=True) == self.begun


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
    # An ended process remains until its parent collects its outcome.
    return b") Z " not in _read_bytes(Path(f"/proc/{process}/stat"))


def make_tag() -> str:
    """A new tag of this process."""
    return f"{Owner.current()}.{uuid4().hex}"


def find_owner(process: int) -> Owner | None:
    """Who started a process with a tag. None if it has none, or one of an older version."""
    return next((Owner.parse(each.rpartition(".")[0]) for each in _read_tags(process)), None)


def is_used_again(owner: Owner) -> bool:
    """Whether another process now has the id of that one. False where that is not known."""
    return bool(owner.begun) and _read_start(owner.process, ended=True) not in (0, owner.begun)


def counts_as_we_do(process: int) -> bool:
    """Whether the ids of processes mean the same there: not in a container, seen from outside."""
    try:
        return os.readlink(f"/proc/{process}/ns/pid") == os.readlink("/proc/self/ns/pid")
    except OSError:  # it has ended, or belongs to another user
        return False


def is_tag(text: str) -> bool:
    """Whether that may be a tag."""
    return _TAG.fullmatch(text) is not None


def make_switch(tag: str) -> str:
    """The tag as a command-line switch. Browsers ignore unknown switches."""
    return f"{_SWITCH}{tag}"


def tag_environment(tag: str) -> dict[str, str]:
    """Our environment for the browser: with the tag, and without our settings."""
    return get_inheritable() | {VARIABLE: tag}


def find_processes(tag: str = "") -> list[int]:
    """Ids of the processes whose tag begins so; of all below them, and in the groups that they lead.

    "" finds those with any tag, and "{owner}." those of all browsers that an owner has started. Never this
    process or one above it. Linux only; empty elsewhere.
    """
    places = {int(folder.name): _read_place(folder) for folder in Path("/proc").glob("[0-9]*")}
    own = _find_line(os.getpid(), places)
    tags = {process: _read_tags(process) for process in places.keys() - own}
    found = {process for process, carried in tags.items() if any(each.startswith(tag) for each in carried)}
    led = {process for process in found if places[process].group == process}
    while more := {
        process
        for process, (parent, group) in places.items()
        if (parent in found or group in led) and process not in found | own
    }:
        found |= more
    return sorted(found)


def kill_processes(processes: Iterable[int]) -> None:
    """Kill processes that were just found, and the groups that they lead. Skips what has ended already."""
    for process in set(processes) - {0}:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                os.kill(process, signal.SIGTERM)
            elif os.getpgid(process) == process != os.getpgrp():
                os.killpg(process, signal.SIGKILL)
            else:
                os.kill(process, signal.SIGKILL)


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


def _read_place(folder: Path) -> _Place:
    fields = _read_bytes(folder / "stat").rpartition(b") ")[2].split()
    return _Place(int(fields[1]), int(fields[2])) if len(fields) > 2 and fields[0] != b"Z" else _Place(0, 0)


def _read_tags(process: int) -> set[str]:
    """The tags that it carries, each as a whole argument or variable. A longer text does not count."""
    parts = (
        (_SWITCH, _read_bytes(Path(f"/proc/{process}/cmdline"))),
        (f"{VARIABLE}=", _read_bytes(Path(f"/proc/{process}/environ"))),
    )
    return {
        each.removeprefix(prefix)
        for prefix, read in parts
        for each in read.decode(errors="replace").split("\0")
        if each.startswith(prefix) and is_tag(each.removeprefix(prefix))
    }


def _find_line(process: int, places: dict[int, _Place]) -> set[int]:
    """That process and all above it."""
    line: set[int] = set()
    while process in places and process not in line:
        line.add(process)
        process = places[process].parent
    return line


def _read_start(process: int, *, ended: bool = False) -> int:
    """When a process began, in clock ticks since the system started. 0 if it does not run; `ended` also
    reads one that has ended and is not gone yet. Linux only.
    """
    fields = _read_bytes(Path(f"/proc/{process}/stat")).rpartition(b") ")[2].split()
    return int(fields[19]) if len(fields) > 19 and (ended or fields[0] != b"Z") else 0


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended, or belongs to another user
        return b""
