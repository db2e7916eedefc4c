"""When a request is made again: one table, by kind of call. `wire/routes.py` gives the kind of each route."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from huggingchat_agent.errors import AgentError, BrowserClosed, ChatError, RateLimited, SiteError

Repeats: TypeAlias = Literal["read", "write", "never"]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Up to `attempts` in all, none of which begins later than `seconds` after the first.

    The pause before the second is about `pause` seconds, and doubles from then on.
    """

    attempts: int
    seconds: float = 10.0
    pause: float = 0.3


RULES: dict[Repeats, Rule] = {
    "read": Rule(attempts=4),
    # A write that has the same effect if it is made twice.
    "write": Rule(attempts=3),
    # Twice would be two: two messages, two conversations. What the app holds decides (see chat/outcome.py).
    "never": Rule(attempts=1),
}

# A gateway's, while the app behind it starts, is busy, or does not answer.
_PASSING = (502, 503, 504)


def may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed a moment later."""
    if isinstance(error, ChatError):
        return isinstance(error, RateLimited) or error.status in _PASSING
    return isinstance(error, BrowserClosed) or (isinstance(error, SiteError) and not error.answered)


def find_wait(error: BaseException | None) -> float:
    """How many seconds the app asks to wait; 0 if it does not say."""
    return (error.retry_after or 0.0) if isinstance(error, RateLimited) else 0.0


def explain(error: BaseException) -> str:
    """The error in a sentence."""
    return error.message if isinstance(error, AgentError) else type(error).__name__
