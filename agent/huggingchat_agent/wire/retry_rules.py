"""When to retry: one table of rules. `wire/routes.py` gives the kind of each route."""

from __future__ import annotations

import math
import sys
from typing import Literal, TypeAlias

import msgspec

from huggingchat_agent.errors import AgentError, BrowserClosed, ChatError, RateLimited, SiteError

Repeats: TypeAlias = Literal["read", "write", "never"]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Up to `attempts` in all, none of which begins later than `seconds` after the first.

    Each pause is drawn between half of `pause` and an upper end. That is `pause` before the second attempt,
    and doubles from then on up to `longest`. All are seconds.
    """

    attempts: int
    seconds: float = 10.0
    pause: float = 0.3
    longest: float = 60.0


RULES: dict[Repeats, Rule] = {
    "read": Rule(attempts=4),
    # A write that has the same effect if it is made twice.
    "write": Rule(attempts=3),
    # A repeat would make a second message or conversation. What the app holds decides (see chat/outcome.py).
    "never": Rule(attempts=1),
}

# A broken answer is resumed as long as its run goes on.
TAKING_UP = Rule(attempts=sys.maxsize, seconds=math.inf, pause=0.5, longest=2.0)

# An item of a batch. What the app holds is read before its message is sent again.
ITEM = Rule(attempts=5, seconds=math.inf, pause=2.0)

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
