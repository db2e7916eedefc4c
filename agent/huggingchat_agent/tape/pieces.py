"""Masks texts that arrive in pieces. A secret may span several."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from operator import itemgetter
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from huggingchat_agent.tape.mask import MASK, Mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

K = TypeVar("K")


class Released(NamedTuple, Generic[K]):
    """Pieces in order. `shown` has their texts without secrets; it is `texts` itself where there are none."""

    owners: list[K]
    texts: list[str]
    shown: list[str]


class Pieces(Generic[K]):
    """Takes pieces of one text, each with its owner, and returns them in order without secrets.

    A secret across several pieces becomes a mask at the end of the last. It holds back a piece that may still
    begin a secret. Searching many pieces at once costs little more than searching one.
    """

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._owners: list[K] = []
        self._texts: list[str] = []

    def add(self, owner: K, text: str) -> None:
        """Take a piece."""
        self._owners.append(owner)
        self._texts.append(text)

    def extend(self, owners: Iterable[K], texts: Iterable[str]) -> None:
        """Take pieces."""
        self._owners += owners
        self._texts += texts

    def release(self) -> Released[K]:
        """The pieces that are safe now."""
        text = "".join(self._texts)
        spans = self._mask.find_spans(text) if text else []
        return self._release(text, spans, self._mask.count_safe(text, spans) if text else 0)

    def close(self) -> Released[K]:
        """End the text. Returns all pieces that were held back."""
        text = "".join(self._texts)
        return self._release(text, self._mask.find_spans(text) if text else [], len(text))

    def _release(self, text: str, spans: list[tuple[int, int]], safe: int) -> Released[K]:
        ready = self._count_ready(spans, safe) if spans else self._count_safe(len(text), safe)
        owners, self._owners = self._owners[:ready], self._owners[ready:]
        texts, self._texts = self._texts[:ready], self._texts[ready:]
        return Released(owners, texts, list(_mask_pieces(text, texts, spans)) if spans else texts)

    def _count_safe(self, end: int, safe: int) -> int:
        """The number of pieces that end before `safe`; all of them end at `end`."""
        ready = len(self._texts)
        while ready and end > safe:
            ready -= 1
            end -= len(self._texts[ready])
        return ready

    def _count_ready(self, spans: list[tuple[int, int]], safe: int) -> int:
        """The number of pieces that end before `safe` and not inside a secret."""
        ready = end = at = 0
        for number, text in enumerate(self._texts, 1):
            end += len(text)
            if end > safe:
                break
            while at < len(spans) and spans[at][1] <= end:
                at += 1
            if at == len(spans) or end <= spans[at][0]:  # else it goes with the next one
                ready = number
        return ready


def _mask_pieces(text: str, pieces: list[str], spans: list[tuple[int, int]]) -> Iterator[str]:
    """The first pieces of a text without its secrets."""
    start = 0
    for piece in pieces:
        yield _mask_piece(text, start, start + len(piece), spans)
        start += len(piece)


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
