"""Profiles: named folders for saved sessions, and locks on them.

A lock is a file outside of the profile's folder, so that the holder can remove the profile. The system
releases a lock when its holder ends, however it ends.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import filelock
import msgspec

from huggingchat_agent import forks
from huggingchat_agent.errors import ProfileInUse, StorageError
from huggingchat_agent.files import explain_failure
from huggingchat_agent.state.remembered_app import read_app
from huggingchat_agent.state.storage import SavedSession
from huggingchat_agent.state.warm_socket import ask_to_end

# A warm session closes its browser before it releases the profile.
YIELD_PATIENCE = 15.0  # seconds


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A profile on disk.

    `hosts` are the sites of its cookies. `saved` is when the session was saved, and `expires` when the last
    of its cookies that scripts cannot read expires, both in UTC. `damaged` is true if there is a session that
    cannot be read. `base_url` is the app where the profile signed in last, and `login_origins` are the pinned
    origins. `in_use_by` is a process id.
    """

    name: str
    folder: Path
    hosts: tuple[str, ...] = ()
    saved: datetime | None = None
    expires: datetime | None = None
    damaged: bool = False
    base_url: str | None = None
    login_origins: tuple[str, ...] = ()
    in_use_by: int | None = None


class ProfileLock:
    """The lock on a profile. Two locks on one profile exclude each other, even within a process."""

    def __init__(self, home: Path, name: str) -> None:
        self.name = name
        self._home = home
        self._path = home / "locks" / f"{name}.lock"
        self._holder = home / "locks" / f"{name}.pid"
        self._lock = filelock.FileLock(self._path, mode=0o600, thread_local=False)

    def take(self) -> bool:
        """Take it if it is free. Returns whether it is ours. Raises StorageError if no file can be made."""
        folder = self._path.parent
        advice = "Repair the folder, or name another one with HUGGINGCHAT_HOME."
        with explain_failure(StorageError, f"Cannot lock the profile in {folder}", advice):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                self._lock.acquire(timeout=0.2)  # a process that only looks holds it for a moment
            except filelock.Timeout:
                return False
            self._holder.write_text(str(os.getpid()))
            forks.keep_lock_from_children(self._lock)
        return True

    def claim(self) -> bool:
        """As `take`, but first end an idle warm session that has the profile."""
        if self.take():
            return True
        if not ask_to_end(self._home, self.name):
            return False
        end = time.monotonic() + YIELD_PATIENCE
        while not (taken := self.take()) and time.monotonic() < end:
            pass  # `take` itself waits a moment
        return taken

    def release(self) -> None:
        """Release it. Releasing twice is fine."""
        if self._lock.is_locked:
            with contextlib.suppress(OSError):
                self._holder.unlink()
        self._lock.release(force=True)

    @property
    def holder(self) -> int | None:
        """The process that uses the profile. None if it is free or the process is unknown."""
        if self.take():
            self.release()
            return None
        with contextlib.suppress(OSError, ValueError):
            return int(self._holder.read_text())
        return None

    def make_in_use_error(self) -> ProfileInUse:
        """The error for a lock that could not be taken."""
        holder = self.holder
        who = f" by process {holder}" if holder else ""
        return ProfileInUse(
            f"The profile {self.name!r} is in use{who}. Wait until it is free, choose another one (--profile "
            "NAME), or work with a copy of it (--profile-in-use copy), which saves nothing."
        )


def list_profiles(home: Path) -> list[Profile]:
    """All profiles in this home, sorted by name."""
    folder = home / "profiles"
    with explain_failure(StorageError, f"Cannot read {folder}"):
        if not folder.exists():
            return []
        names = sorted(each.name for each in folder.iterdir() if each.is_dir())
    return [_read_profile(home, name) for name in names]


def remove_profile(home: Path, name: str) -> None:
    """Remove a profile and its session. The app keeps the session. Raises ProfileInUse or StorageError."""
    folder = home / "profiles" / name
    if not folder.is_dir():
        known = ", ".join(each.name for each in list_profiles(home)) or "none"
        raise StorageError(f"There is no profile {name!r}. There are: {known}.")
    lock = ProfileLock(home, name)
    if not lock.claim():
        raise lock.make_in_use_error()
    try:
        with explain_failure(StorageError, f"Cannot remove {folder}"):
            shutil.rmtree(folder)
    finally:
        lock.release()


def _read_profile(home: Path, name: str) -> Profile:
    saved = SavedSession(home / "profiles" / name)
    hosts: set[str] = set()
    ends: list[float] = []
    moment: datetime | None = None
    damaged = False
    app = None
    try:
        app = read_app(saved.folder)
        for cookie in (saved.load() or {}).get("cookies", []):
            hosts.add(cookie.get("domain", "").lstrip("."))
            if cookie.get("httpOnly") and cookie.get("expires", -1) > 0:
                ends.append(cookie["expires"])
        moment = datetime.fromtimestamp(saved.path.stat().st_mtime, UTC)
    except StorageError:
        damaged = True
    except OSError:
        pass  # no session is saved
    return Profile(
        name=name,
        folder=saved.folder,
        hosts=tuple(sorted(hosts - {""})),
        saved=moment,
        expires=datetime.fromtimestamp(max(ends), UTC) if ends else None,
        damaged=damaged,
        base_url=app.base_url if app else None,
        login_origins=app.login_origins if app else (),
        in_use_by=ProfileLock(home, name).holder,
    )
