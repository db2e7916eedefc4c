"""Takes secrets out of texts that leave the agent in an error, a log line or a report.

Addresses lose their query and fragment, where OAuth codes and states are. A mask replaces every value that
was ever wrapped in a `Secret`, every known cookie value, and every value that its name makes secret
(`secret_names`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, urlsplit

from huggingchat_agent import secret_names

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "[redacted]"

# If a secret is "1" or a line of dashes, masking each of them in a text hides nothing and ruins the text.
SHORTEST = 4

_ADDRESS = re.compile(
    r"(?i)\b(?:https?|wss?)://(?:[^\s\"'<>)\]/@]*@)?(?:\[[0-9a-f:.%]*\])?[^\s\"'<>)\]]*[^\s\"'<>)\].,:;]"
)
_EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
# A value of JSON that is no string stands here. Within a string there would be a backslash.
_VALUE_OF_KEY = re.compile(r'(?<!\\)"\s*:\s*\Z')


class Secret:
    """A value that does not show itself: `str` and `repr` give a mask, `reveal()` the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        if len(value) >= SHORTEST and len(set(value)) > 1:
            _known.add(value)

    def reveal(self) -> str:
        """The value itself, for the one place that types it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


# Values wrapped in a Secret in this process. Kept for its lifetime: an error can name one long after its
# session.
_known: set[str] = set()


def remember(value: str) -> None:
    """Treat a value (a cookie) as secret from now on. Ignores very short ones."""
    if len(value) >= 8:
        _known.add(value)


def get_known_values() -> frozenset[str]:
    """All values that count as secret by now, for code with its own search."""
    return frozenset(_known)


def remember_cookies(state: object) -> None:
    """Treat the cookie values of a storage state as secret. Skips malformed ones."""
    cookies = state.get("cookies") if isinstance(state, dict) else None
    for cookie in cookies if isinstance(cookies, list) else []:
        value = cookie.get("value") if isinstance(cookie, dict) else None
        if isinstance(value, str):
            remember(value)


def address(url: str) -> str:
    """An address that is safe to show: without user, query and fragment. "[address]" for any other text."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "[address]"
    host = f"[{host}]" if ":" in host else host
    where = f"{parts.scheme}://{host}{f':{port}' if port else ''}"
    return where + parts.path + ("?…" if parts.query else "")


def text(value: str) -> str:
    """The text with known secrets, queries of addresses, keyed secrets and e-mails masked. Never raises."""
    for secret in sorted(_known, key=len, reverse=True):
        # Not every text has an encoding: the environment may hold bytes that are not characters.
        for form in (secret, quote(secret, safe="", errors="replace"), quote_plus(secret, errors="replace")):
            if form:
                value = value.replace(form, MASK)
    value = _ADDRESS.sub(lambda match: address(match.group()), value)
    return _EMAIL.sub(MASK, mask(value, secret_names.find_spans(value, "log")))


def mask(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with a mask in the place of each span. Spans may touch and overlap, in any order.

    In JSON, the mask for a number, a list or an object is a string.
    """
    pieces: list[str] = []
    end = 0
    for start, stop in sorted(spans):
        if text[start:stop] == MASK:
            continue
        if start > end or not pieces:
            is_value = _VALUE_OF_KEY.search(text, max(0, start - 40), start) is not None
            pieces += [text[end:start], f'"{MASK}"' if is_value else MASK]
        end = max(end, stop)
    return "".join([*pieces, text[end:]])
