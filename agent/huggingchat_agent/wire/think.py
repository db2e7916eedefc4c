"""Reasoning that a model writes into its text, between `<think>` and `</think>`.

The tags can be split over any number of tokens, share a token with text, and come several times. A
block that is never closed is reasoning to the end. Text and reasoning put together, with the tags
between them, are the content again: nothing is trimmed.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["text", "reasoning"]
Piece = tuple[Kind, str]

_OPEN = re.compile("<think>", re.IGNORECASE | re.ASCII)
_CLOSE = re.compile("</think>", re.IGNORECASE | re.ASCII)


class ThinkSplitter:
    """Splits text as it comes. `held` is what may turn out to be the beginning of a tag."""

    def __init__(self) -> None:
        self.kind: Kind = "text"
        self.held = ""

    def feed(self, text: str) -> list[Piece]:
        """Take the next text; return its pieces, as far as they are certain, none of them empty."""
        text, self.held = self.held + text, ""
        pieces: list[Piece] = []
        while tag := (_OPEN if self.kind == "text" else _CLOSE).search(text):
            pieces.append((self.kind, text[: tag.start()]))
            self.kind = "reasoning" if self.kind == "text" else "text"
            text = text[tag.end() :]
        held = _begun("<think>" if self.kind == "text" else "</think>", text)
        if held:
            text, self.held = text[:-held], text[-held:]
        pieces.append((self.kind, text))
        return [piece for piece in pieces if piece[1]]

    def close(self) -> list[Piece]:
        """Nothing more comes: what was held back was no tag."""
        held, self.held = self.held, ""
        return [(self.kind, held)] if held else []


def split(content: str) -> tuple[str, str]:
    """Text and reasoning of a whole content."""
    splitter = ThinkSplitter()
    pieces = splitter.feed(content) + splitter.close()
    return (
        "".join(text for kind, text in pieces if kind == "text"),
        "".join(text for kind, text in pieces if kind == "reasoning"),
    )


def _begun(tag: str, text: str) -> int:
    """How many characters at the end of the text may be the beginning of the tag."""
    at = text.rfind("<", max(len(text) - len(tag) + 1, 0))
    return len(text) - at if at >= 0 and tag.startswith(text[at:].lower()) else 0
