"""Reasoning in the text of an answer, between `<think>` and `</think>`.

The markup counts at the beginning of a round only, after white space at most. A round is what the model
writes between two uses of tools. Elsewhere, and in an indented block of code, the tags are text: an
answer may be about them. So may reasoning: a `</think>` between two backticks does not end it. A block that
is not closed is reasoning to the end of its round.

Tokens can split a tag anywhere, and hold text beside it. Text, reasoning and tags joined are the content
again: nothing is trimmed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal["text", "reasoning"]
Piece = tuple[Kind, str]

_OPEN = re.compile("<think>", re.IGNORECASE | re.ASCII)
_CLOSE = re.compile("</think>", re.IGNORECASE | re.ASCII)
_CODE_INDENT = 4  # columns


class ThinkSplitter:
    """Splits text as it arrives. `held` is text that may be the beginning of a tag. `plain`: the rest of the
    round is text.
    """

    def __init__(self) -> None:
        self.kind: Kind = "text"
        self.held = ""
        self.plain = False
        self._space = ""  # white space at the beginning of the round
        self._last = ""  # the last character of the reasoning so far

    def begin_round(self) -> list[Piece]:
        """Look for markup again; return the held text."""
        pieces = self.close()
        self.kind, self.plain, self._space, self._last = "text", False, "", ""
        return pieces

    def feed(self, text: str) -> list[Piece]:
        """Take the next text; return the pieces that are certain by now, none of them empty."""
        if self.plain:
            return [("text", text)] if text else []
        text, self.held = self.held + text, ""
        pieces: list[Piece] = []
        if self.kind == "text":
            rest = text.lstrip()
            space, text = text[: len(text) - len(rest)], rest
            pieces.append(("text", space))
            self._space += space
            if not text:
                pass
            elif tag := None if self._is_indented() else _OPEN.match(text):
                self.kind, text = "reasoning", text[tag.end() :]
            elif "<think>".startswith(text.lower()) and not self._is_indented():
                self.held, text = text, ""
            else:
                self.plain = True
        if self.kind == "reasoning":
            if tag := self._find_end(text):
                pieces.append(("reasoning", text[: tag.start()]))
                self.kind, self.plain, text = "text", True, text[tag.end() :]
            elif held := _count_held("</think>`", text):
                text, self.held = text[:-held], text[-held:]
            self._last = text[-1:] or self._last
        pieces.append((self.kind, text))
        return [piece for piece in pieces if piece[1]]

    def close(self) -> list[Piece]:
        """Return the held text. Nothing more comes, so it is not a tag."""
        held, self.held = self.held, ""
        return [(self.kind, held)] if held else []

    def _find_end(self, text: str) -> re.Match[str] | None:
        """The tag that ends the reasoning; None also if only the next character can tell."""
        for tag in _CLOSE.finditer(text):
            before = text[max(tag.start() - 1, 0) : tag.start()] or self._last
            if before != "`" or text[tag.end() : tag.end() + 1] not in ("", "`"):
                return tag
        return None

    def _is_indented(self) -> bool:
        """Whether the first line is a block of code."""
        return len(self._space.rpartition("\n")[2].expandtabs(_CODE_INDENT)) >= _CODE_INDENT


def split(content: str, rounds: Iterable[int] = ()) -> tuple[str, str]:
    """Text and reasoning of a whole content. `rounds` are the places where rounds begin, besides 0.

    They count UTF-16 units, as the app does.
    """
    splitter = ThinkSplitter()
    pieces: list[Piece] = []
    begin = 0
    for end in sorted({_to_characters(content, units) for units in rounds}):
        pieces += splitter.feed(content[begin:end]) + splitter.begin_round()
        begin = end
    pieces += splitter.feed(content[begin:]) + splitter.close()
    return (
        "".join(text for kind, text in pieces if kind == "text"),
        "".join(text for kind, text in pieces if kind == "reasoning"),
    )


def count_units(text: str) -> int:
    """The length of a text as JavaScript counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _to_characters(content: str, units: int) -> int:
    before = content.encode("utf-16-le", "surrogatepass")[: 2 * units]
    return len(before.decode("utf-16-le", "surrogatepass"))


def _count_held(tag: str, text: str) -> int:
    """How many characters at the end of the text may be the beginning of the tag."""
    at = text.rfind("<", max(len(text) - len(tag) + 1, 0))
    return len(text) - at if at >= 0 and tag.startswith(text[at:].lower()) else 0
