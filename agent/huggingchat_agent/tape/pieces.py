"""Masks texts that arrive in pieces. A secret may span several."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from huggingchat_agent.tape.mask import MASK, Mask

if TYPE_CHECKING:
    from collections.abc import Iterator

K = TypeVar("K")


class Pieces(Generic[K]):
    """Takes pieces of one text, each with its owner, and returns them in order without secrets.

    A secret across several pieces becomes a mask at the end of the last. It holds back a piece that may still
    begin a secret.
    """

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._text = ""
        self._held: deque[tuple[K, int]] = deque()

    def feed(self, owner: K, text: str) -> list[tuple[K, str]]:
        """Take a piece. Returns the pieces that are safe now."""
        self._held.append((owner, len(text)))
        self._text += text
        return list(self._release(self._mask.count_safe(self._text)))

    def close(self) -> list[tuple[K, str]]:
        """End the text. Returns all pieces that were held back."""
        return list(self._release(len(self._text)))

    def _release(self, safe: int) -> Iterator[tuple[K, str]]:
        spans = self._mask.find_spans(self._text)
        ready = end = 0
        for number, (_, length) in enumerate(self._held, 1):
            end += length
            if end > safe:
                break
            if not any(first < end < last for first, last in spans):  # else it goes with the next one
                ready = number
        start = 0
        for _ in range(ready):
            owner, length = self._held.popleft()
            yield owner, self._mask_piece(start, start + length, spans)
            start += length
        self._text = self._text[start:]

    def _mask_piece(self, start: int, end: int, spans: list[tuple[int, int]]) -> str:
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
    """Cuts a body into its chunks again after parts of it were rewritten.

    `cut` gives the size of a chunk, `put` the new form of the next bytes. If a rewritten part spans several
    chunks, the last of them gets all of it.
    """

    def __init__(self) -> None:
        self._chunks: deque[tuple[tuple[int, float], int]] = deque()  # number and time, bytes left
        self._out = bytearray()

    def cut(self, n: int, at: float, length: int) -> None:
        self._chunks.append(((n, at), length))

    def put(self, length: int, data: bytes) -> Iterator[tuple[int, float, bytes]]:
        """The chunks that are complete now. `data` of another length was rewritten."""
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
