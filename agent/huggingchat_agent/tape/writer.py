"""Writes a tape during the session. Its own thread takes secrets out, packs and appends.

The file is gzip, in members of about a megabyte of records. Every write ends in a sync flush. So if the
program dies, all but the last moment is readable.
"""

from __future__ import annotations

import os
import queue
import threading
import time
import zlib
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from huggingchat_agent.errors import TapeError
from huggingchat_agent.events import Reasoning, Token
from huggingchat_agent.files import explain_failure
from huggingchat_agent.log_records import log
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.record_maker import RecordMaker

if TYPE_CHECKING:
    from pathlib import Path

    from huggingchat_agent.tape.format import AnyRecord, Header
    from huggingchat_agent.tape.record_maker import Note, Word
    from huggingchat_agent.tape.redaction import Redaction


MOMENT = 0.05  # seconds; all records of that time are written together
MEMBER = 1_000_000  # bytes of records
# Only one thread at a time runs Python, so a token may have to wait for this one. While more than BATCH notes
# come at once, or an answer has begun and has no token yet, the thread waits: PATIENCE seconds, or until
# CROWD notes wait. Then it takes BATCH at a time, and rests in between. Beyond CROWD it rests only as long as
# it worked, and beyond twice that not at all, because the notes would fill the memory.
BATCH = 500
PATIENCE = 0.5  # seconds
REST = 0.01  # seconds
CROWD = 50_000
LIMIT = 200_000  # notes; if more wait, the tape ends
CLOSE_PATIENCE = 20.0

_GZIP = 16 + zlib.MAX_WBITS

_encode = msgspec.json.Encoder().encode_lines


class TapeWriter:
    """An open tape. Put notes into `notes`, then call `wake`; both return at once, in any thread.

    The file is made with the first record; without one, an older file stays. Raises TapeError if the file
    cannot be made. A later failure is logged once and ends the tape. The session goes on.
    """

    def __init__(
        self,
        path: Path,
        header: Header,
        redaction: Redaction,
        *,
        notes: deque[Note] | None = None,
        begun: float = 0.0,
    ) -> None:
        self._path, self._header, self._redaction = path, header, redaction
        with explain_failure(TapeError, f"The tape {path} cannot be written", "Name another file."):
            _check(path)
        self._file: int | None = None
        self._pack = _make_packer()
        self._packed = 0
        self._broken = False
        self.notes: deque[Note] = deque() if notes is None else notes
        self._maker = RecordMaker(begun)
        self._asleep = False
        self._expecting = False
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="tape", daemon=True)
        self._thread.start()

    def put(self, note: Note) -> None:
        """Add a note. The tape's thread makes the record of it."""
        self.notes.append(note)
        self.wake()

    def wake(self) -> None:
        """Say that there are notes."""
        if self._asleep:
            self._asleep = False
            self._woken.put(None)

    def expect_token(self) -> None:
        """Say that an answer begins. Its first token does not have to wait for this thread."""
        self._expecting = True

    @property
    def waiting(self) -> int:
        """The number of notes whose records are not written yet."""
        return len(self.notes)

    def close(self, last: Note) -> None:
        """Write the rest and the end mark. Closing twice is fine."""
        if self._over.is_set():
            return
        self.put(last)
        self._over.set()
        self._woken.put(None)
        self._thread.join(CLOSE_PATIENCE)

    def _work(self) -> None:
        while not self._over.is_set():
            self._sleep()
            self._wait_for_quiet()
            self._write_all()
        self._write_all()
        if self._file is not None:
            os.close(self._file)

    def _sleep(self) -> None:
        """Wait for a note."""
        self._asleep = True
        if not self.notes and not self._over.is_set():
            self._woken.get()
        self._asleep = False

    def _wait_for_quiet(self) -> None:
        """Wait for a moment, and longer while a burst comes in or a first token is due."""
        for _ in range(round(PATIENCE / MOMENT)):
            before = len(self.notes)
            self._over.wait(MOMENT)
            after = len(self.notes)
            if self._over.is_set() or after > CROWD:
                break
            if after - before <= BATCH and not (self._expecting and self._has_no_token()):
                break
        self._expecting = False

    def _has_no_token(self) -> bool:
        return not any(isinstance(each, Token | Reasoning) for each in tuple(self.notes))

    def _write_all(self) -> None:
        while self.notes:
            waiting = len(self.notes)
            if waiting > LIMIT:
                self._break("its records come faster than they can be written")
            began = time.monotonic()
            self._write([self.notes.popleft() for _ in range(min(waiting, BATCH))])
            if BATCH < waiting < 2 * CROWD:
                self._over.wait(REST if waiting < CROWD else time.monotonic() - began)

    def _write(self, batch: list[Note]) -> None:
        if self._broken:
            return
        try:
            records = list(self._maker.make_records(batch))
            last = [each for each in records if isinstance(each, tapes.Last)]
            if self._file is None and len(last) == len(records):
                return
            out: list[Header | AnyRecord | Word] = []
            if self._file is None:
                self._file = _open(self._path, os.O_TRUNC)
                out.append(self._header)
            out += self._redaction.feed(each for each in records if not isinstance(each, tapes.Last))
            if last:
                out += [*self._redaction.close(), *last]
            self._append(_encode(out), end=bool(last))
        except Exception as error:  # whatever it is, the session goes on without its tape
            why = error.strerror if isinstance(error, OSError) else type(error).__name__
            self._break(error.message if isinstance(error, TapeError) else f"{why}.")

    def _break(self, why: str) -> None:
        if not self._broken:
            self._broken = True
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
    # Level 6 takes half as long again, and makes the records of tokens no smaller.
    return zlib.compressobj(5, zlib.DEFLATED, _GZIP)
