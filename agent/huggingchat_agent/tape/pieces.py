"""Texts that arrive in pieces, and whose secrets may lie across them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from huggingchat_agent.tape.mask import MASK, Mask

if TYPE_CHECKING:
    from collections.abc import Iterator

K = TypeVar("K")


class Pieces(Generic[K]):
    """Pieces of one text, each with what it belongs to; given back without secrets, in order.

    A secret across several pieces becomes a mask at the end of the last of them. Pieces that could
    still be the beginning of one are kept.
    """

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._text = ""
        self._kept: deque[tuple[K, int]] = deque()

    def feed(self, owner: K, text: str) -> list[tuple[K, str]]:
        """Take a piece; the pieces that are settled now."""
        self._kept.append((owner, len(text)))
        self._text += text
        return list(self._taken(self._mask.settled(self._text)))

    def close(self) -> list[tuple[K, str]]:
        """Nothing more comes: all that was kept."""
        return list(self._taken(len(self._text)))

    def _taken(self, settled: int) -> Iterator[tuple[K, str]]:
        spans = self._mask.spans(self._text)
        ready = end = 0
        for number, (_, length) in enumerate(self._kept, 1):
            end += length
            if end > settled:
                break
            if not any(first < end < last for first, last in spans):  # else it goes with the next one
                ready = number
        start = 0
        for _ in range(ready):
            owner, length = self._kept.popleft()
            yield owner, self._shown(start, start + length, spans)
            start += length
        self._text = self._text[start:]

    def _shown(self, start: int, end: int, spans: list[tuple[int, int]]) -> str:
        out, at = "", start
        for first, last in spans:
            if last <= start or first >= end:
                continue
            out += self._text[at : max(first, at)]
            if last <= end:
                out += MASK
            at = min(last, end)
        return out + self._text[at:end]


class Recut:
    """Puts the cuts of a body back after some of its parts were rewritten.

    `cut` tells that so many bytes came with a chunk, `put` what became of the next bytes. A chunk
    whose end lies within a part that changed gets nothing of that part; the last of it gets all.
    """

    def __init__(self) -> None:
        self._chunks: deque[tuple[tuple[int, float], int]] = deque()  # number and time, bytes left
        self._out = bytearray()

    def cut(self, n: int, at: float, length: int) -> None:
        self._chunks.append(((n, at), length))

    def put(self, length: int, data: bytes) -> Iterator[tuple[int, float, bytes]]:
        """The chunks that are complete now, with their bytes. `data` of another length was rewritten."""
        same = len(data) == length
        while length > 0 and self._chunks:
            (n, at), left = self._chunks.popleft()
            taken = min(left, length)
            length -= taken
            if same:
                self._out += data[:taken]
                data = data[taken:]
            elif not length:
                self._out += data
            if taken < left:
                self._chunks.appendleft(((n, at), left - taken))
            elif self._out:
                yield n, at, bytes(self._out)
                self._out.clear()
