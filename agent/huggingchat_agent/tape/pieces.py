"""Masks texts that arrive in pieces. A secret may span several."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from operator import itemgetter
from typing import TYPE_CHECKING, Generic, TypeVar

from huggingchat_agent.tape.mask import MASK, Mask

if TYPE_CHECKING:
    from collections.abc import Iterator

K = TypeVar("K")


class Pieces(Generic[K]):
    """Takes pieces of one text, each with its owner, and returns them in order without secrets.

    A secret across several pieces becomes a mask at the end of the last. It holds back a piece that may still
    begin a secret. Searching many pieces at once costs little more than searching one.
    """

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._texts: list[str] = []
        self._held: deque[tuple[K, int]] = deque()

    def add(self, owner: K, text: str) -> None:
        """Take a piece."""
        self._held.append((owner, len(text)))
        self._texts.append(text)

    def release(self) -> list[tuple[K, str]]:
        """The pieces that are safe now."""
        if not self._held:
            return []
        text = "".join(self._texts)
        spans = self._mask.find_spans(text)
        return list(self._release(text, spans, self._mask.count_safe(text, spans)))

    def close(self) -> list[tuple[K, str]]:
        """End the text. Returns all pieces that were held back."""
        text = "".join(self._texts)
        return list(self._release(text, self._mask.find_spans(text), len(text)))

    def _release(self, text: str, spans: list[tuple[int, int]], safe: int) -> Iterator[tuple[K, str]]:
        start = 0
        for _ in range(self._count_ready(spans, safe)):
            owner, length = self._held.popleft()
            yield owner, _mask_piece(text, start, start + length, spans)
            start += length
        self._texts = [text[start:]]

    def _count_ready(self, spans: list[tuple[int, int]], safe: int) -> int:
        """How many pieces end before `safe`, and none of them inside a secret."""
        ready = end = at = 0
        for number, (_, length) in enumerate(self._held, 1):
            end += length
            if end > safe:
                break
            while at < len(spans) and spans[at][1] <= end:
                at += 1
            if at == len(spans) or end <= spans[at][0]:  # else it goes with the next one
                ready = number
        return ready


def _mask_piece(text: str, start: int, end: int, spans: list[tuple[int, int]]) -> str:
    """That part of a text. A secret that ends behind it is left out."""
    out, at = "", start
    for first, last in spans[bisect_right(spans, start, key=itemgetter(1)) :]:
        if first >= end:
            break
        out += text[at : max(first, at)]
        if last <= end:
            out += MASK
        at = min(last, end)
    return out + text[at:end]


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
        done = 0
        while done < length and self._chunks:
            (n, at), left = self._chunks.popleft()
            end = min(done + left, length)
            if same:
                self._out += data[done:end]
            elif end == length:
                self._out += data
            if end < done + left:
                self._chunks.appendleft(((n, at), done + left - end))
            elif self._out:
                yield n, at, bytes(self._out)
                self._out.clear()
            done = end
