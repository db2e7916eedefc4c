"""The temporary folder of a browser. It carries our mark, and goes when we end.

A watcher, which is a shell, waits for our end. Then it kills the browser and removes the folder, even if we
were killed. If the watcher was killed too, the next start removes what is left: only folders with our mark,
whose owner has ended. The owner holds a lock on the mark as long as it lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from huggingchat_agent import forks
from huggingchat_agent.browser import process_tag
from huggingchat_agent.environment import get_inheritable
from huggingchat_agent.log_records import log

if TYPE_CHECKING:
    from collections.abc import Iterable


FOLDER_PREFIX = "huggingchat-"
# The mark: a line with the tag of the browser, then one for each folder elsewhere that belongs to it. `OWNER`
# names the process that made the folder, and `LOCK` is held by it.
MARK, OWNER, LOCK = "browser", "owner", "lock"
# The names of folders elsewhere that may be removed.
_ELSEWHERE = ("playwright_chromiumdev_profile-", "org.chromium.", ".org.chromium.")

# When its input ends, we are gone. The word "ended" means that the browser is gone, so its id may be reused.
# Any other word means a normal end.
_WATCH = """
group=$1; shift
while read -r word; do [ "$word" = ended ] || exit 0; group=; done
if [ "$group" ]; then kill -s KILL -- "-$group"; sleep 0.2; fi
rm -rf -- "$@"
"""
# A socket's path has at most 107 bytes, and the browser adds this many to that of its temporary folder.
_LONGEST = 107 - len("/org.chromium.Chromium.XXXXXX/SingletonSocket")
_SWEEPS = 25
_SWEEP_SECONDS = 0.02


class TemporaryFolder:
    """A new folder at `path`, for the browser with that tag. `remove` it at the end."""

    def __init__(self, tag: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
        self._lock = filelock.FileLock(self.path / LOCK, thread_local=False)
        self._lock.acquire(timeout=5)
        forks.keep_lock_from_children(self._lock)
        self._elsewhere: list[Path] = []
        self._watcher: asyncio.subprocess.Process | None = None
        self._tag, self._mark = tag, self.path / MARK
        (self.path / OWNER).write_text(str(process_tag.Owner.current()))
        self._mark.write_text(f"{tag}\n")

    def make_environment(self) -> dict[str, str]:
        """The browser's environment. Its own temporary folders are in this one, if paths allow. So are crash
        dumps, which hold memory and so perhaps cookies.
        """
        environment = process_tag.tag_environment(self._tag)
        environment["BREAKPAD_DUMP_LOCATION"] = str(self.path / "crashes")
        if len(str(self.path)) <= _LONGEST:
            environment["TMPDIR"] = str(self.path)
        return environment

    async def guard(self, group: int, elsewhere: Iterable[Path] = ()) -> None:
        """If we are killed, have that process group killed, and this folder and those `elsewhere` removed."""
        self._elsewhere = list(elsewhere)
        with self._mark.open("a") as mark:
            mark.writelines(f"{each}\n" for each in self._elsewhere)
        if os.name != "posix":
            return
        self._watcher = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            _WATCH,
            "watcher",
            str(group),
            *map(str, (*self._elsewhere, self.path)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=get_inheritable(),
            start_new_session=True,
        )
        keep_pipe_from_children(self._watcher)

    def spare_group(self) -> None:
        """Have the process group left alone from now on. The browser has ended."""
        if self._watcher is not None and self._watcher.stdin is not None:
            self._watcher.stdin.write(b"ended\n")

    async def remove(self) -> None:
        """Remove the folders and end the watcher. The browser has ended. Removing twice is fine."""
        for folder in (*self._elsewhere, self.path):
            if folder.is_file():
                folder.unlink(missing_ok=True)
            for _ in range(_SWEEPS):  # its processes may write for a moment until they end
                try:
                    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
                except RuntimeError:  # the interpreter is ending, and starts no thread any more
                    shutil.rmtree(folder, ignore_errors=True)
                if not folder.exists():
                    break
                await asyncio.sleep(_SWEEP_SECONDS)
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            with contextlib.suppress(ConnectionError):
                await watcher.communicate(b"well\n")
        with contextlib.suppress(OSError):
            self._lock.release(force=True)


def keep_pipe_from_children(process: asyncio.subprocess.Process) -> None:
    """Close our end of a process's input in forked children, so that it ends when we do."""
    if process.stdin is not None:
        pipe = process.stdin.transport.get_extra_info("pipe")
        if pipe is not None:
            forks.keep_from_children(pipe.fileno())


def is_held(folder: Path) -> bool:
    """Whether the owner of that folder lives: also in a container, whose process ids we do not know."""
    lock = filelock.FileLock(folder / LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return True
    lock.release(force=True)
    return False


def reap() -> list[Path]:
    """Remove the folders whose owner was killed, and kill what is left of their browsers. Returns them."""
    reaped = []
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        try:
            if _is_own(folder) and (folder / MARK).is_file() and _reap(folder):
                reaped.append(folder)
        except (OSError, ValueError) as error:
            log.info("The folder %s of an earlier browser remains: %s", folder, error)
    return reaped


def _reap(folder: Path) -> bool:
    lock = filelock.FileLock(folder / LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return False  # its owner lives
    try:
        tag, *elsewhere = (folder / MARK).read_text().splitlines()
        if not process_tag.is_tag(tag):
            return False
        process_tag.kill_processes(process_tag.find_processes(tag))
        for each in (*map(Path, elsewhere), folder):
            if each == folder or (each.name.startswith(_ELSEWHERE) and _is_own(each)):
                _remove_now(each)
    finally:
        lock.release(force=True)
    return True


def _remove_now(folder: Path) -> None:
    for _ in range(_SWEEPS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_SWEEP_SECONDS)


def _is_own(folder: Path) -> bool:
    """Whether that is a folder of this user, and no link to one."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return stat.S_ISDIR(found.st_mode) and mine
