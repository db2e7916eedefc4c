"""What a killed run left behind: processes, folders and notes of locks that carry our mark, without an owner.

Nothing else counts: no cookie, no profile, no browser of another program.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from huggingchat_agent.browser import process_tag
from huggingchat_agent.browser.temporary import FOLDER_PREFIX, OWNER, is_held
from huggingchat_agent.state.profiles import ProfileLock

if TYPE_CHECKING:
    from collections.abc import Iterator

_PID = re.compile(r"\d{1,9}")


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to remove. `owner` is the process that left it."""

    kind: Literal["process", "folder", "lock"]
    name: str
    owner: int

    def __str__(self) -> str:
        return f"{self.kind} {self.name} of process {self.owner}, which has ended"


def find_leftovers(home: Path) -> list[Leftover]:
    """What can be removed, processes first. `home` is the state folder."""
    return [*_find_processes(), *_find_folders(), *_find_locks(home)]


def remove(leftover: Leftover, home: Path) -> bool:
    """Remove one, unless it has an owner by now. Returns whether it is gone."""
    if leftover not in find_leftovers(home):
        return False
    if leftover.kind == "process":
        process_tag.kill_processes([int(leftover.name)])
    elif leftover.kind == "folder":
        shutil.rmtree(leftover.name, ignore_errors=True)
        return not Path(leftover.name).exists()
    else:
        _remove_lock(home, leftover.name)
    return True


def _find_processes() -> Iterator[Leftover]:
    for process in process_tag.find_processes():
        owner = process_tag.find_owner(process)
        if owner is not None and not owner.alive and process_tag.counts_as_we_do(process):
            yield Leftover(kind="process", name=str(process), owner=owner.process)


def _find_folders() -> Iterator[Leftover]:
    for folder in sorted(Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*")):
        with contextlib.suppress(OSError, ValueError):
            if folder.is_symlink() or not folder.is_dir():
                continue
            owner = process_tag.Owner.parse((folder / OWNER).read_text())
            if owner is not None and not owner.alive and not is_held(folder):
                yield Leftover(kind="folder", name=str(folder), owner=owner.process)


def _find_locks(home: Path) -> Iterator[Leftover]:
    for note in sorted((home / "locks").glob("*.pid")):
        with contextlib.suppress(OSError):
            text = note.read_text().strip()
            if _PID.fullmatch(text) and not process_tag.is_alive(int(text)):
                yield Leftover(kind="lock", name=note.stem, owner=int(text))


def _remove_lock(home: Path, name: str) -> None:
    """Remove the note of a lock's holder. The lock itself ended with its holder; its file is for the next."""
    lock = ProfileLock(home, name)
    if lock.take():
        try:
            (home / "locks" / f"{name}.pid").unlink(missing_ok=True)
        finally:
            lock.release()
