"""Assertions about answers. Each raises AssertionError with a sentence that says what happened."""

from __future__ import annotations

import difflib
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggingchat_agent.answer import Answer

_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "..."})
_MARKUP = re.compile(r"[*_`#>~]+")


def assert_streamed(answer: Answer, *, min_chunks: int = 2, spread: float = 0.0) -> None:
    """The text came in at least `min_chunks` pieces, the last at least `spread` seconds after the first."""
    __tracebackhide__ = True
    timing = answer.timing
    if timing.tokens < min_chunks:
        raise AssertionError(
            f"The answer came in {timing.tokens} pieces; at least {min_chunks} were expected: "
            f"{_shorten(answer.text)}"
        )
    took = (timing.last_token or 0.0) - (timing.first_token or 0.0)
    if took < spread:
        raise AssertionError(
            f"The {timing.tokens} pieces of the answer came within {took:.3f} s; at least {spread:g} s "
            "were expected between the first and the last."
        )


def assert_first_token_within(answer: Answer, seconds: float) -> None:
    """The first piece of the text came at most `seconds` after the message was sent."""
    __tracebackhide__ = True
    timing = answer.timing
    if timing.first_token is None:
        raise AssertionError(f"No text came at all (reason: {answer.finish_reason}).")
    took = timing.first_token - timing.sent
    if took > seconds:
        raise AssertionError(f"The first token came after {took:.2f} s; {seconds:g} s were allowed.")


def assert_says(answer: Answer | str, *expected: str) -> None:
    """Every expected text is in the answer. Case, spacing, quotes, dashes and markup do not matter."""
    __tracebackhide__ = True
    text = answer if isinstance(answer, str) else answer.text
    plain = normal(text)
    for each in expected:
        if normal(each) not in plain:
            raise AssertionError(f"The answer does not say {each!r}. It says: {_shorten(text)}")


def assert_similar(answer: Answer | str, expected: str, *, at_least: float = 0.8) -> None:
    """The answer is similar to the expected text; 1.0 is equal but for case, spacing and markup."""
    __tracebackhide__ = True
    text = answer if isinstance(answer, str) else answer.text
    words, wanted = normal(text).split(), normal(expected).split()
    ratio = difflib.SequenceMatcher(None, words, wanted, autojunk=False).ratio()
    if ratio < at_least:
        raise AssertionError(
            f"The answer is {ratio:.0%} similar to the expected text; at least {at_least:.0%} was required.\n"
            f"expected: {_shorten(expected)}\nanswer:   {_shorten(text)}"
        )


def normal(text: str) -> str:
    """The text for comparison: without case, spacing, markup and kinds of quotes and dashes."""
    plain = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    return " ".join(_MARKUP.sub("", plain).casefold().split())


def _shorten(text: str) -> str:
    return repr(text if len(text) <= 300 else f"{text[:300]}...")
