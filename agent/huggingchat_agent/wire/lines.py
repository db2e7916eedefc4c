"""Splits a stream of bytes, cut anywhere, into lines."""

from __future__ import annotations


class LineSplitter:
    """Collects bytes and returns whole lines, without the white space around them.

    It drops blank lines: after the final answer the app writes 4,096 spaces without a newline, which end
    up before the next line or at the very end. A line may have any length. The time is linear in the
    bytes, however they are cut.
    """

    def __init__(self) -> None:
        self._begun: list[bytes] = []  # pieces of the line that is not complete

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the lines that are complete by now."""
        if b"\n" not in data:
            self._begun.append(data)
            return []
        first, *rest = data.split(b"\n")
        lines = [b"".join((*self._begun, first)), *rest]
        self._begun = [lines.pop()]
        return list(filter(None, map(bytes.strip, lines)))

    def close(self) -> bytes:
        """What came after the last newline, b"" if that was blank."""
        rest, self._begun = b"".join(self._begun).strip(), []
        return rest
