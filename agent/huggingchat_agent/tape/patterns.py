"""The user's regular expressions for texts to hide, with a time limit.

Nothing can interrupt `re`: a pattern such as `(a|aa)+$` would hang the process. So `regex` does the search;
it has a time limit and lets other threads run. `re` still decides whether a pattern is valid.
"""

from __future__ import annotations

import re
from typing import Any

from huggingchat_agent.errors import SettingsError, TapeError

SECONDS = 2.0  # of CPU time, for one text of at most a megabyte

# In `re` a brace without a number is text; `regex` gives some of these another meaning.
_PLAIN_BRACE = re.compile(r"(\\N\{[^}]*\}|\\.)|\{(?!\d*,?\d*\})", re.DOTALL)
LARGEST = 1_000_000  # parts of a pattern whose counted repetitions are written out, as `regex` does
_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(?P<times>\d+)(?:,\d*)?\}|.", re.DOTALL)


class Pattern:
    """One pattern. Raises SettingsError if it cannot be read."""

    def __init__(self, source: str) -> None:
        import regex  # rarely needed, and slow to load

        try:
            re.compile(source)
            if _measure(source) > LARGEST:
                raise OverflowError("it repeats too often")
            self._pattern: Any = regex.compile(_PLAIN_BRACE.sub(lambda match: match[1] or r"\{", source))
        except (re.error, regex.error, RecursionError, OverflowError) as error:
            raise SettingsError(f"The pattern {source!r} cannot be read: {error}.") from None
        self._source = source
        self._slow = False

    def find_spans(self, text: str) -> list[tuple[int, int]]:
        """Where it matches, in order. Raises TapeError if that takes too long, and at every later call."""
        if not self._slow:
            try:
                matches = self._pattern.finditer(text, timeout=SECONDS, concurrent=True)
                return [match.span() for match in matches if match.group()]
            except TimeoutError:
                self._slow = True
        raise TapeError(
            f"The pattern {self._source!r} searches a text of this session for more than {SECONDS:g} s. "
            "Avoid nested repetition, as in (a+)+."
        )


def _measure(source: str) -> int:
    """How many parts a valid pattern has when its counted repetitions are written out."""
    sizes, last = [0], 0  # of the groups that are open, and of the part before this one
    for part in _PART.finditer(source):
        if part[0] == "(":
            sizes.append(0)
        elif part[0] == ")" and len(sizes) > 1:
            last = sizes.pop()
            sizes[-1] += last
        elif part["times"]:
            sizes[-1] += last * (int(part["times"]) - 1)
            last *= int(part["times"])
        else:
            last = 1
            sizes[-1] += 1
    return max(sizes)
