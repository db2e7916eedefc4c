"""Ends an answer at a stop sequence or at a number of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from huggingchat_agent.serve.question import CHARACTERS_PER_TOKEN

if TYPE_CHECKING:
    from collections.abc import Sequence


class Cutter:
    """Takes the text in pieces, and returns what may be shown. It holds back an end that may begin a stop
    sequence. `reason` is "stop" or "length" once the text is cut, else None.
    """

    def __init__(self, stop: Sequence[str] = (), max_tokens: int | None = None) -> None:
        self._stop = [each for each in stop if each]
        self._left = None if max_tokens is None else max_tokens * CHARACTERS_PER_TOKEN
        self._held = ""
        self.reason: Literal["stop", "length"] | None = None
        self.stopped_by: str | None = None

    def feed(self, text: str) -> str:
        """The new part of the text that may be shown."""
        if self.reason is not None:
            return ""
        text = self._held + text
        self._held = ""
        found = min(((at, each) for each in self._stop if (at := text.find(each)) >= 0), default=None)
        if found is not None:
            self.reason, self.stopped_by = "stop", found[1]
            return self._shorten(text[: found[0]])
        kept = max((_count_overlap(text, each) for each in self._stop), default=0)
        if kept:
            text, self._held = text[:-kept], text[-kept:]
        return self._shorten(text)

    def end(self) -> str:
        """The text that was held back. No more text comes."""
        held, self._held = self._held, ""
        return "" if self.reason is not None else self._shorten(held)

    def _shorten(self, text: str) -> str:
        if self._left is None:
            return text
        if len(text) > self._left:
            self.reason, self.stopped_by = "length", None
            text = text[: self._left]
        self._left -= len(text)
        return text


def _count_overlap(text: str, stop: str) -> int:
    """How many characters at the end of the text begin the stop sequence."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
