"""Reads tapes of this version and all older ones, also those of programs that died."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from huggingchat_agent.errors import TapeCorrupt, TapeError, TapeVersion
from huggingchat_agent.files import explain_failure
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.checks import check_header, check_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from huggingchat_agent.tape.format import AnyRecord, Header

LARGEST_LINE = 200_000_000  # bytes of one record, which may be a message with many files
LARGEST_TAPE = 1_000_000_000  # bytes of all records; a small file can unpack to any size
MOST_RECORDS = 5_000_000

_AT_ONCE = 1 << 12  # packed bytes; a damaged piece unpacks to nothing
_UNPACKED_AT_ONCE = 1 << 20  # bytes
_GZIP = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"  # how gzip begins
_FLUSHED = b"\0\0\xff\xff"  # how a sync flush ends

_RECORD = msgspec.json.Decoder(tapes.AnyRecord)


class Tape:
    """One tape. Opening reads the header. `complete` is known once all records have been read.

    Raises TapeError (no such file), TapeVersion, or TapeCorrupt with the offset in the file. `read_records`
    gives everything good before it raises.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.complete = False
        first = next(self._read_lines(), None)
        if first is None:
            raise TapeCorrupt(f"{path} is not a tape: it is empty (offset 0).")
        self.header = self._parse_header(*first)

    def read_records(self) -> Iterator[AnyRecord]:
        """The records as they were written. `tape.format` says in which order."""
        self.complete = over = False
        version = self.header.tape
        numbers: set[int] = set()
        for number, (line, offset) in enumerate(self._read_lines()):
            if not number:
                continue
            try:
                if version == tapes.VERSION:
                    record = _RECORD.decode(line)
                else:
                    record = msgspec.convert(_upgrade(msgspec.json.decode(line), version), tapes.AnyRecord)
                check_record(record)
            except (ValueError, KeyError) as error:  # msgspec's errors are ValueErrors
                raise self._make_error(offset, f"line {number + 1} is not a record ({error})") from None
            except RecursionError:
                raise self._make_error(offset, f"line {number + 1} is nested too deeply") from None
            if over:
                raise self._make_error(offset, f"line {number + 1} comes after the last record")
            if record.n in numbers:
                raise self._make_error(
                    offset, f"line {number + 1} has the number {record.n} of an earlier one"
                )
            numbers.add(record.n)
            if isinstance(record, tapes.Last):
                self.complete = over = True
            yield record

    def load(self, *, pictures: bool = True) -> Recording:
        """All records in the order of events. An unreadable place goes into `trouble` and raises nothing."""
        found: list[AnyRecord] = []
        trouble: TapeCorrupt | None = None
        try:
            found += (each for each in self.read_records() if pictures or not isinstance(each, tapes.Picture))
        except TapeCorrupt as error:
            trouble = error
        found.sort(key=lambda record: record.n)
        return Recording(self.header, found, self.complete, trouble)

    def _parse_header(self, line: bytes, offset: int) -> Header:
        try:
            raw: Any = msgspec.json.decode(line)
            version = raw["tape"]
            if isinstance(version, int) and version > tapes.VERSION:
                raise TapeVersion(
                    f"{self.path} is a tape of version {version} (offset 0), and this huggingchat-agent "
                    f"reads up to version {tapes.VERSION}. Install a newer one."
                )
            header = msgspec.convert({**_upgrade(raw, version), "tape": version}, tapes.Header)
            check_header(header)
        except (KeyError, TypeError, RecursionError, msgspec.DecodeError, UnicodeDecodeError):
            raise self._make_error(offset, "it has no header") from None
        except ValueError as error:
            raise self._make_error(offset, f"line 1 is not a header ({error})") from None
        return header

    def _read_lines(self) -> Iterator[tuple[bytes, int]]:
        """Lines, each with the offset in the file that had been read before its end came."""
        line, size, count, offset = bytearray(), 0, 0, 0
        for text, offset in self._read_pieces():
            size += len(text)
            first, *more = text.split(b"\n")
            line += first
            for each in more:
                yield bytes(line), offset
                count += 1
                line = bytearray(each)
            if len(line) > LARGEST_LINE or size > LARGEST_TAPE or count > MOST_RECORDS:
                raise self._make_error(
                    offset, f"line {count + 1} exceeds the limits of a tape (docs/tape.md)"
                )
        if line:
            raise self._make_error(offset, "it breaks off in the middle of a record")

    def _read_pieces(self) -> Iterator[tuple[bytes, int]]:
        """The unpacked bytes of the file, in pieces of bounded size, each with its offset in the file."""
        offset, last = 0, b""
        unpack = zlib.decompressobj(_GZIP)
        what, advice = f"The tape {self.path} cannot be read", "Give the path of a recording."
        try:
            with explain_failure(TapeError, what, advice), self.path.open("rb") as file:
                while data := file.read(_AT_ONCE):
                    if not offset and not data.startswith(_MAGIC[: len(data)]):
                        raise self._make_error(0, "it is not a tape. Give the path of a recording")
                    last = (last + data)[-4:]
                    while data:
                        if unpack.eof:
                            unpack = zlib.decompressobj(_GZIP)
                        yield from _unpack(unpack, data, offset)
                        offset += len(data) - len(unpack.unused_data)
                        data = unpack.unused_data
        except zlib.error as error:
            raise self._make_error(offset, f"it is damaged there ({error})") from None
        if not (unpack.eof or last == _FLUSHED or not offset):
            raise self._make_error(offset, "it breaks off in the middle of a record")

    def _make_error(self, offset: int, what: str) -> TapeCorrupt:
        return TapeCorrupt(f"{self.path} cannot be read at offset {offset}: {what}.")


class Recording(NamedTuple):
    """All of a tape. `complete` is false if its recording was not closed properly."""

    header: tapes.Header
    records: list[AnyRecord]
    complete: bool
    trouble: TapeCorrupt | None = None


def _unpack(unpack: zlib._Decompress, data: bytes, offset: int) -> Iterator[tuple[bytes, int]]:
    """The unpacked form of some bytes of a member."""
    while True:
        text = unpack.decompress(data, _UNPACKED_AT_ONCE)
        yield text, offset
        data = unpack.unconsumed_tail
        if not data and len(text) < _UNPACKED_AT_ONCE:
            return


def _upgrade(raw: dict[str, Any], version: int) -> dict[str, Any]:
    for each in range(version, tapes.VERSION):
        raw = tapes.STEPS[each](raw)
    return raw
