"""What a batch has begun and finished, on disk before anything depends on it.

Before a message is sent, its id and its conversation are in the journal. A rerun reads that conversation and
sends only what the app does not have.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from huggingchat_agent import files
from huggingchat_agent.batching.items import Result
from huggingchat_agent.errors import StorageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import IO, Self

    from huggingchat_agent.batching.items import Item


class Begun(msgspec.Struct, frozen=True, tag="begun"):
    """The conversation of an item. The message goes there next."""

    id: str
    conversation_id: str
    fingerprint: str


class Done(msgspec.Struct, frozen=True, tag="done"):
    """An item that will not be asked again."""

    result: Result


class Journal:
    """An append-only file of JSON lines; each line is on the disk when its call returns. Use it as `with`.

    A line that a killed process left unfinished is dropped. Raises StorageError if the file cannot be
    written, and UsageError if it is no journal, or another process writes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begun: dict[str, Begun] = {}
        self._done: dict[str, Result] = {}
        self._file: IO[bytes] | None = None

    def __repr__(self) -> str:
        state = "not open" if self._file is None or self._file.closed else f"open, {len(self._done)} done"
        return f"<Journal {str(self.path)!r}: {state}>"

    def __enter__(self) -> Self:
        with files.explain_failure(StorageError, f"{self.path} cannot be written"):
            self._file = self.path.open("a+b")
        try:
            _lock(self._file, self.path)
            self._read(self._file)
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def find_done(self, item: Item) -> Result | None:
        """The result of an item, if it has one for this very text."""
        found = self._done.get(item.key)
        return found if found is not None and found.fingerprint == item.fingerprint else None

    def find_begun(self, item: Item) -> str:
        """The conversation that an earlier run began for this very item, "" if there is none."""
        found = self._begun.get(item.key)
        return found.conversation_id if found and found.fingerprint == item.fingerprint else ""

    def find_others(self, items: Iterable[Item]) -> list[str]:
        """The ids of finished items that are not among these."""
        return sorted(self._done.keys() - {each.key for each in items})

    def begin(self, item: Item, conversation_id: str) -> None:
        """Note where the message goes, before it is sent."""
        self._begun[item.key] = line = Begun(item.key, conversation_id, item.fingerprint)
        self._append(line)

    def finish(self, result: Result) -> None:
        """Note a result."""
        self._done[result.id] = result
        self._append(Done(result))

    def remove(self) -> None:
        """Remove the file: nothing is left to resume."""
        self.path.unlink(missing_ok=True)

    def _append(self, line: Begun | Done) -> None:
        assert self._file is not None
        with files.explain_failure(StorageError, f"{self.path} cannot be written"):
            self._file.write(msgspec.json.encode(line) + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def _read(self, file: IO[bytes]) -> None:
        file.seek(0)
        written = file.read()
        whole = written.rfind(b"\n") + 1
        try:
            for line in written[:whole].splitlines():
                self._take(msgspec.json.decode(line, type=Begun | Done))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UsageError(f"{self.path} is not a journal of a batch. Name another output.") from None
        file.truncate(whole)
        file.seek(0, os.SEEK_END)

    def _take(self, line: Begun | Done) -> None:
        if isinstance(line, Begun):
            self._begun[line.id] = line
        else:
            self._done[line.result.id] = line.result


def write_results(path: Path, results: Iterable[Result]) -> None:
    """Write results as JSON lines, whole or not at all. Raises StorageError."""
    with files.explain_failure(StorageError, f"{path} cannot be written"):
        files.write(path, msgspec.json.Encoder().encode_lines(list(results)))


def _lock(file: IO[bytes], path: Path) -> None:
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"Another process is writing {path}. Wait for it, or name another output.") from None
