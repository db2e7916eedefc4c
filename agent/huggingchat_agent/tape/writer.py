"""Writes a tape during the session. Its own thread takes secrets out, packs and appends.

The file is gzip, in members of about a megabyte of records. Every write ends in a sync flush. So if the
program dies, all but the last moment is readable.
"""

from __future__ import annotations

import os
import queue
import threading
import zlib
from typing import TYPE_CHECKING

import msgspec

from huggingchat_agent.errors import TapeError
from huggingchat_agent.log_records import log
from huggingchat_agent.tape import format as tapes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from huggingchat_agent.tape.format import AnyRecord, Header
    from huggingchat_agent.tape.redaction import Redaction


MOMENT = 0.05  # seconds; all records of that time are written together
MEMBER = 1_000_000  # bytes of records
# While many wait, so many are packed at once, and then the session has the processor for so long. Two threads
# cannot run Python at the same time: without a rest, each token of a burst would wait for this one.
BATCH = 200
REST = 0.01  # seconds
CROWD = 20_000  # records; while more wait, there is no rest, so that they do not fill the memory
CLOSE_PATIENCE = 20.0

_GZIP = 16 + zlib.MAX_WBITS

_encode = msgspec.json.Encoder().encode_lines


class TapeWriter:
    """An open tape. Any thread may call `put`, which returns at once.

    The file is made with the first record; without one, an older file stays. Raises TapeError if the file
    cannot be made. A later failure is logged once and ends the tape. The session goes on.
    """

    def __init__(self, path: Path, header: Header, redaction: Redaction) -> None:
        self._path, self._header, self._redaction = path, header, redaction
        try:
            _check(path)
        except OSError as error:
            raise TapeError(
                f"The tape {path} cannot be written: {error.strerror}. Name another file."
            ) from None
        self._file: int | None = None
        self._pack = _make_packer()
        self._packed = 0
        self._broken = False
        self._queue: queue.SimpleQueue[AnyRecord | Callable[[], AnyRecord] | None] = queue.SimpleQueue()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="tape", daemon=True)
        self._thread.start()

    def put(self, record: AnyRecord | Callable[[], AnyRecord]) -> None:
        """Append a record, or one that the tape's thread makes by calling this."""
        if not self._broken:
            self._queue.put(record)

    @property
    def waiting(self) -> int:
        """The number of records that are not written yet."""
        return self._queue.qsize()

    def close(self, last: tapes.Last) -> None:
        """Write the rest and the end mark. Closing twice is fine."""
        if self._over.is_set():
            return
        self._over.set()
        self._queue.put(last)
        self._queue.put(None)
        self._thread.join(CLOSE_PATIENCE)

    def _work(self) -> None:
        going = True
        while going:
            batch = [self._queue.get()]
            waiting = self._queue.qsize()
            self._over.wait(MOMENT if waiting < BATCH else REST if waiting < CROWD else 0.0)
            while len(batch) < BATCH and not self._queue.empty():
                batch.append(self._queue.get())
            going = None not in batch
            self._write([each for each in batch if each is not None])
        if self._file is not None:
            os.close(self._file)

    def _write(self, batch: list[AnyRecord | Callable[[], AnyRecord]]) -> None:
        if self._broken or (self._file is None and all(isinstance(each, tapes.Last) for each in batch)):
            return
        try:
            out: list[Header | AnyRecord] = []
            if self._file is None:
                self._file = _open(self._path, os.O_TRUNC)
                out.append(self._header)
            records = [each() if callable(each) else each for each in batch]
            last = [each for each in records if isinstance(each, tapes.Last)]
            out += self._redaction.feed(each for each in records if not isinstance(each, tapes.Last))
            if last:
                out += [*self._redaction.close(), *last]
            self._append(_encode(out), end=bool(last))
        except Exception as error:  # whatever it is, the session goes on without its tape
            self._broken = True
            why = error.strerror if isinstance(error, OSError) else type(error).__name__
            why = error.message if isinstance(error, TapeError) else f"{why}."
            log.warning("The tape %s ends here, because writing it failed: %s", self._path, why)

    def _append(self, data: bytes, *, end: bool = False) -> None:
        if self._file is None or not (data or end):
            return
        packed = self._pack.compress(data)
        self._packed += len(data)
        if end or self._packed > MEMBER:
            packed += self._pack.flush(zlib.Z_FINISH)
            self._pack, self._packed = _make_packer(), 0
        else:
            packed += self._pack.flush(zlib.Z_SYNC_FLUSH)
        view = memoryview(packed)
        while view:
            view = view[os.write(self._file, view) :]


def _check(path: Path) -> None:
    """Raise OSError if the file cannot be written. An existing file stays as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists()
    os.close(_open(path))
    if fresh:
        path.unlink()


def _open(path: Path, how: int = 0) -> int:
    # For its owner only: it holds a conversation.
    return os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)


def _make_packer() -> zlib._Compress:
    return zlib.compressobj(6, zlib.DEFLATED, _GZIP)
