"""The user's regular expressions of what to hide, with a time limit.

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


class Pattern:
    """One pattern. Raises SettingsError if it cannot be read."""

    def __init__(self, source: str) -> None:
        import regex  # rarely needed, and slow to load

        try:
            re.compile(source)
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
