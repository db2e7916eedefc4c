"""The saved session of one profile: a file in Playwright's storage state form.

    <home>/profiles/<profile>/session.json            mode 0600, in a folder of mode 0700
    <home>/profiles/<profile>/session.previous.json   the one before, kept in case the new one is bad

A save writes a new file beside the old one, flushes it to the disk and renames it. So at any moment either
the old or the new session exists, whole.
"""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import msgspec

from huggingchat_agent import files
from huggingchat_agent.errors import StorageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path


class _Cookie(TypedDict):
    name: str
    value: str
    domain: NotRequired[str]
    expires: NotRequired[float]


class _Shape(TypedDict):
    """The parts that every storage state has."""

    cookies: list[_Cookie]
    origins: NotRequired[list[dict[str, Any]]]


class SavedSession:
    """Reads and writes the session in a profile's folder."""

    on_disk = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "session.json"
        self.previous = folder / "session.previous.json"

    def load(self) -> dict[str, Any] | None:
        """The saved storage state, or None. Raises StorageError if it is unreadable."""
        with self._explain_failure("read"):
            try:
                body = self.path.read_bytes()
            except FileNotFoundError:
                return None
        try:
            msgspec.json.decode(body, type=_Shape)
            state: dict[str, Any] = msgspec.json.decode(body)
        except msgspec.DecodeError:
            instead = (
                f"Put {self.previous.name} in its place, or remove" if self.previous.exists() else "Remove"
            )
            raise StorageError(
                f"The saved session {self.path} is damaged. {instead} it and sign in again."
            ) from None
        return state

    @property
    def readable(self) -> bool:
        """Whether there is a saved session."""
        return os.access(self.path, os.R_OK)

    def prepare(self) -> None:
        """Check that a session can be saved, before a browser is started. Raises StorageError.

        It makes no folder, so that a process that only looks leaves no profile behind.
        """
        with self._explain_failure("write"):
            there = next(each for each in (self.folder, *self.folder.parents) if each.exists())
            if not there.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            if not os.access(there, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def save(self, state: dict[str, Any]) -> None:
        """Replace the saved session. If it raises StorageError, the old session is unchanged."""
        body = msgspec.json.format(msgspec.json.encode(state), indent=1)
        with self._explain_failure("write"):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with files.write_draft(self.path, body, private=True) as draft:
                if self.path.exists():
                    # A copy, renamed into place, so that the session itself is never missing.
                    files.write(self.previous, self.path.read_bytes(), private=True)
                os.replace(draft, self.path)

    def tidy(self) -> None:
        """Remove the leftovers of a save that was killed. Only for the holder of the profile's lock."""
        with contextlib.suppress(OSError):
            for pattern in (".session.*.part", ".session-*.json", ".previous-*"):
                for draft in self.folder.glob(pattern):
                    draft.unlink(missing_ok=True)

    def remove(self) -> bool:
        """Remove the session and the previous one. True if there was one."""
        found = False
        with self._explain_failure("remove"):
            for path in (self.path, self.previous):
                if path.exists():
                    path.unlink()
                    found = True
        return found

    def _explain_failure(self, verb: str) -> AbstractContextManager[None]:
        advice = "Make room or repair the folder, or name another one with HUGGINGCHAT_HOME."
        return files.explain_failure(StorageError, f"Cannot {verb} the saved session {self.path}", advice)


class HeldSession(SavedSession):
    """A session in memory. It is never written, and the profile's saved session stays as it is."""

    on_disk = False

    def __init__(self, folder: Path, state: dict[str, Any]) -> None:
        super().__init__(folder)
        self._state: dict[str, Any] | None = state

    def load(self) -> dict[str, Any] | None:
        return self._state

    def save(self, state: dict[str, Any]) -> None:
        self._state = state

    def remove(self) -> bool:
        found, self._state = self._state is not None, None
        return found


def write_private(path: Path, body: bytes) -> None:
    """Write a file of secrets, whole or not at all. Only its owner can read it. Raises StorageError."""
    try:
        files.write(path, body, private=True)
    except (OSError, ValueError) as error:  # ValueError: no path can have these characters
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise StorageError(f"Cannot write {str(path)!r}: {reason or type(error).__name__}.") from None
