"""What must not be seen outside: one place that knows how to take it out of a text.

Two rules. Addresses lose their query and fragment (an OAuth code and state live there), and every
value that was ever wrapped in a `Secret`, and every cookie value learned, is replaced wherever it
appears in a text that leaves the agent by way of an error, a log line or a report.
"""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus, urlsplit

MASK = "[redacted]"

_ADDRESS = re.compile(r"\b(?:https?|wss?)://[^\s\"'<>)\]]*[^\s\"'<>)\].,:;]")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_KEYED = re.compile(
    r"(?i)\b(password|passwd|token|hf-chat|code|state|csrf|cookie|authorization|code_challenge)"
    r"(\"?\s*[=:]\s*\"?)([^\s\"'&;,]+)"
)


class Secret:
    """A value that does not show itself: `str` and `repr` give a mask, `reveal()` the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
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


def address(url: str) -> str:
    """An address fit to be shown: without user, query and fragment."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}" + ("?…" if parts.query else "")


def text(value: str) -> str:
    """A text fit to be shown: known secrets, queries of addresses, keyed secrets and e-mails masked."""
    for secret in sorted(_known, key=len, reverse=True):
        for form in (secret, quote(secret, safe=""), quote_plus(secret)):
            if form:
                value = value.replace(form, MASK)
    value = _ADDRESS.sub(lambda match: address(match.group()), value)
    value = _KEYED.sub(lambda match: f"{match[1]}{match[2]}{MASK}", value)
    return _EMAIL.sub(MASK, value)
