"""What must not be seen outside: one place that knows how to take it out of a text.

Two rules. Addresses lose their query and fragment (an OAuth code and state live there), and every
value that was ever wrapped in a `Secret`, and every cookie value learned, is replaced wherever it
appears in a text that leaves the agent by way of an error, a log line or a report.
"""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus, urlsplit

MASK = "[redacted]"

# To mask every "1" of a text, or every line of dashes, because a secret was one hides nothing and leaves
# no text.
SHORTEST = 4

_ADDRESS = re.compile(
    r"(?i)\b(?:https?|wss?)://(?:[^\s\"'<>)\]/@]*@)?(?:\[[0-9a-f:.%]*\])?[^\s\"'<>)\]]*[^\s\"'<>)\].,:;]"
)
_EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")

# Values that are secret because of their name. Only in the forms that programs write: the sentence
# "exit code: 1; state: running" is to be kept. Code and state are words of prose and of error answers
# too, so theirs also have to look like something drawn at random.
_NAME = (
    r"(?:passw(?:or)?d|(?:\w+[_-]|csrf)?token|hf-chat|csrf|cookie|authorization|code_(?:challenge|verifier))"
)
_KEYED = tuple(
    re.compile(f"(?i){pattern}")
    for pattern in (
        # A header: all cookies of the line, or what follows the scheme.
        r"(?P<kept>\b(?:set-)?cookie:\s*)(?=[^\s=;,:]+=)[^\r\n]+",
        r"(?P<kept>\bauthorization\b[\"']?\s*[:=]\s*[\"']?(?:bearer|basic)\s+)[^\s\"';,]+",
        # JSON, also inside of a JSON string.
        rf"(?P<kept>(?P<quote>\\?[\"']){_NAME}(?P=quote)\s*:\s*(?P=quote))(?:(?!(?P=quote))(?:\\.|.))+",
        r"(?P<kept>[\"'](?:code|state)\\?[\"']\s*:\s*\\?[\"'])"
        r"(?=[\w.~+/=-]*[a-z])(?=[\w.~+/=-]*\d)[\w.~+/=-]{8,}",
        # A query, a form or a cookie, also as a part of another query.
        rf"(?P<kept>(?:\b|%[0-9a-f]{{2}}){_NAME}(?:\s*=\s*|%3D)[\"']?)[^\s\"'&;,]+",
        r"(?P<kept>[?&](?:code|state)=)[^\s\"'&;,]+",
        r"(?P<kept>(?:\b|%[0-9a-f]{2})code(?:=|%3D)[\"']?)[^\s\"'&;,]{6,}",
        r"(?P<kept>(?:\b|%[0-9a-f]{2})state(?:=|%3D)[\"']?)[^\s\"'&;,]{8,}",
    )
)


class Secret:
    """A value that does not show itself: `str` and `repr` give a mask, `reveal()` the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        if len(value) >= SHORTEST and len(set(value)) > 1:
            _known.add(value)

    def reveal(self) -> str:
        """The value itself; for the one place that types it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


# Values wrapped in a Secret in this process. Kept for its lifetime: an error that names one can
# come long after the session that used it.
_known: set[str] = set()


def remember(value: str) -> None:
    """Treat a value (a cookie) as secret from now on. Very short ones are not worth the damage."""
    if len(value) >= 8:
        _known.add(value)


def known() -> frozenset[str]:
    """All values that are treated as secret by now. For who has to look for them in a way of its own."""
    return frozenset(_known)


def remember_cookies(state: object) -> None:
    """Treat the cookie values of a storage state as secret; what is malformed is passed over."""
    cookies = state.get("cookies") if isinstance(state, dict) else None
    for cookie in cookies if isinstance(cookies, list) else []:
        value = cookie.get("value") if isinstance(cookie, dict) else None
        if isinstance(value, str):
            remember(value)


def address(url: str) -> str:
    """An address fit to be shown: without user, query and fragment; "[address]" if it is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "[address]"
    host = f"[{host}]" if ":" in host else host
    where = f"{parts.scheme}://{host}{f':{port}' if port else ''}"
    return where + parts.path + ("?…" if parts.query else "")


def text(value: str) -> str:
    """A text fit to be shown: known secrets, queries of addresses, keyed secrets and e-mails masked.

    Never raises, whatever the text.
    """
    for secret in sorted(_known, key=len, reverse=True):
        # Not every text can be encoded: the environment may hold bytes that are no characters.
        for form in (secret, quote(secret, safe="", errors="replace"), quote_plus(secret, errors="replace")):
            if form:
                value = value.replace(form, MASK)
    value = _ADDRESS.sub(lambda match: address(match.group()), value)
    for pattern in _KEYED:
        value = pattern.sub(lambda match: match["kept"] + MASK, value)
    return _EMAIL.sub(MASK, value)
