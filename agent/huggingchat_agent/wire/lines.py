"""Splits a stream of bytes, cut anywhere, into lines."""

from __future__ import annotations

# The longest line: an answer's whole text and the outputs of its tools come in one.
LONGEST = 64 * 1024 * 1024  # bytes


class LineTooLong(ValueError):
    """A line, or an event of several, is too long. What came before it was given back."""

    def __init__(self, longest: int) -> None:
        super().__init__(f"one of its lines is longer than {longest:,} bytes, the most that is read")


class LineSplitter:
    """Collects bytes and gives back whole lines. The time is linear in the bytes, however they are cut.

    Lines come without the white space around them, and blank ones are dropped: after the final answer the app
    writes 4,096 spaces without a newline, which end up before the next line or at the very end. With `all_of`
    every line comes as it is, without its newline.
    """

    def __init__(self, *, all_of: bool = False, longest: int = LONGEST) -> None:
        self._all_of, self._longest = all_of, longest
        self._begun: list[bytes] = []  # pieces of the line that is not complete
        self._length = 0  # of those pieces

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the lines that are complete by now. Raises LineTooLong."""
        lines = self.take(data).split(b"\n")
        lines.pop()  # what follows the last newline: nothing
        return lines if self._all_of else list(filter(None, map(bytes.strip, lines)))

    def take(self, data: bytes) -> bytes:
        """As `feed`, but the lines come as they are, in one piece with their newlines."""
        end = data.rfind(b"\n") + 1
        if end == len(data) <= self._longest and not self._length:
            return data  # as nearly always
        if not end:
            self._begun.append(data)
            self._length += len(data)
            if self._length > self._longest:
                raise LineTooLong(self._longest)
            return b""
        if self._length + data.find(b"\n") > self._longest:
            raise LineTooLong(self._longest)
        whole = b"".join((*self._begun, data[:end]))
        self._begun = [data[end:]]
        self._length = len(data) - end
        return whole

    def close(self) -> bytes:
        """What came after the last newline, b"" if that was blank."""
        rest, self._begun = b"".join(self._begun).strip(), []
        return rest
