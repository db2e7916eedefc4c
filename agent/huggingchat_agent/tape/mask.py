"""Finds secrets, which must not be on a tape, in texts that may be unfinished.

Secrets are: values that the agent knows to be secret (passwords, cookies, codes: see `redact`), in every
encoding; e-mail addresses; matches of the user's patterns; and names that the user wants hidden. In the
output of programs, a value is also secret if its name says so.
"""

from __future__ import annotations

import html
import json
import re
import string
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from huggingchat_agent import redact, secret_names
from huggingchat_agent.tape.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from huggingchat_agent.secret_names import Kind

MASK = redact.MASK

_EMAIL_HOST = r"(?:@|%40)[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)*\.[A-Za-z]{2,}"
_EMAIL = re.compile(rf"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{{1,64}}{_EMAIL_HOST}")
_HAS_EMAIL = re.compile(_EMAIL_HOST).search  # much faster where there is none
_HOST = string.ascii_letters + string.digits + ".-"  # characters of an address behind its @
_NAME = _HOST + "_%+"  # and before it
_LONGEST_EMAIL = 320
_LONGEST_LINE = 4096  # characters of one line that wait for its end, for the user's patterns

_NOTHING = re.compile(r"(?!)")

_PREFIX = 64  # characters of a value that are compared at once


class Mask:
    """Finds secrets. `patterns` are regular expressions.

    Raises SettingsError for a pattern that cannot be read. The searches raise TapeError for one that takes
    too long.
    """

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self._patterns = [Pattern(each) for each in patterns]
        self._names: set[str] = set()
        self._name: re.Pattern[str] | None = None
        self._known: frozenset[str] = frozenset()
        self._forms: list[str] = []
        self._prefixes: set[str] = set()
        self._heads: dict[str, list[str]] = {}
        self._longest = 0
        self._initials = _NOTHING

    def add_name(self, name: str) -> None:
        """Hide that word too."""
        if name and name not in self._names:
            self._names.add(name)
            words = "|".join(sorted(map(re.escape, self._names), key=len, reverse=True))
            self._name = re.compile(rf"(?<![\w-])(?:{words})(?![\w-])")

    def find_spans(self, text: str, kind: Kind = "prose") -> list[tuple[int, int]]:
        """Where secrets are, in order. The spans do not touch.

        The kinds are those of `secret_names.find_spans`. An address or a name in code belongs to nobody, so
        code is searched only for known values.
        """
        self._learn()
        found: list[tuple[int, int]] = []
        for form in self._forms:
            start = text.find(form)
            while start >= 0:
                found.append((start, start + len(form)))
                start = text.find(form, start + len(form))
        if kind != "code":
            if _HAS_EMAIL(text):
                found += [match.span() for match in _EMAIL.finditer(text)]
            for pattern in self._patterns:
                found += pattern.find_spans(text)
            if self._name is not None:
                found += [match.span() for match in self._name.finditer(text)]
        found += secret_names.find_spans(text, kind)
        return _join(found)

    def apply(self, value: str, kind: Kind = "prose") -> str:
        """The text without its secrets."""
        return redact.mask(value, self.find_spans(value, kind))

    def count_safe(self, text: str, spans: Iterable[tuple[int, int]]) -> int:
        """The number of characters at the beginning that no later text can turn into part of a secret.

        `spans` are those of the text.
        """
        self._learn()
        size = len(text)
        held = size
        for match in self._initials.finditer(text, max(0, size - self._longest + 1)):
            start = match.start()
            tail = text[start : start + _PREFIX]
            if start + _PREFIX > size:
                if tail in self._prefixes:
                    held = start
                    break
            elif any(form.startswith(text[start:]) for form in self._heads.get(tail, ())):
                held = start
                break
        held = min(held, size - _measure_half_email(text[-_LONGEST_EMAIL:]))
        if self._patterns and size < _LONGEST_LINE:
            held = min(held, text.rfind("\n") + 1)
        if self._names:
            held = min(held, size - len(re.split(r"[^\w-]", text[-_PREFIX:])[-1]))
        for start, end in spans:
            if start < held < end:
                held = start
        return held

    def _learn(self) -> None:
        known = redact.get_known_values()
        if known == self._known:
            return
        forms = {form for value in known for form in _list_forms(value)}
        heads: dict[str, list[str]] = {}
        for form in forms:
            if len(form) > _PREFIX:
                heads.setdefault(form[:_PREFIX], []).append(form)
        # Replace each as a whole: the writer's thread and the event loop both read them.
        self._heads = heads
        self._prefixes = {form[:end] for form in forms for end in range(1, min(len(form), _PREFIX))}
        self._longest = max(map(len, forms), default=0)
        initials = re.escape("".join(sorted({form[0] for form in forms})))
        self._initials = re.compile(f"[{initials}]") if forms else _NOTHING
        self._forms = sorted(forms, key=len, reverse=True)
        self._known = known


def _measure_half_email(text: str) -> int:
    """How many characters at the end of a text may begin an e-mail address."""
    before = text.rstrip(_HOST)
    if before.endswith("@") and (name := before[:-1].rstrip(_NAME)) != before[:-1]:
        return len(text) - len(name)
    return len(text) - len(text.rstrip(_NAME))


def _list_forms(value: str) -> set[str]:
    """The forms of a value in texts, addresses, JSON, JSON within JSON, and pages."""
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    twice = {json.dumps(each)[1:-1] for each in escaped}
    web = {quote(value, safe="", errors="replace"), quote_plus(value, errors="replace"), html.escape(value)}
    return {form for form in {value, *escaped, *twice, *web} if form}


def _join(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
