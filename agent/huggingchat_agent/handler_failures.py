"""Logs handlers that raise: a traceback once, then only the count."""

from __future__ import annotations

import functools
from typing import Any

from huggingchat_agent.log_records import log

# The counts that are logged.
COUNTS = frozenset(10**power for power in range(1, 10))


class Failures:
    """How often each handler of an event raised, in one chat.

    Functions with the same code count as one handler. A program may make a new one for each reply.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[str, object], int] = {}

    def log(self, name: str, label: str, handler: object, error: BaseException) -> None:
        """Log that a handler of an event raised, if it is the first time or a round number of times."""
        key = name, _find_code(handler) or label
        count = self._counts[key] = self._counts.get(key, 0) + 1
        if count == 1:
            log.error("The handler %s of %r raised.", label, name, exc_info=error)
        elif count in COUNTS:
            log.error("The handler %s of %r raised %d times so far.", label, name, count)


def name_handler(handler: Any) -> str:
    """The name of a handler in a sentence, without the values it holds."""
    function = _unwrap(handler)
    return str(getattr(function, "__qualname__", None) or type(function).__qualname__)


def _find_code(handler: Any) -> object:
    """The code that runs when the handler is called; None for a function in C."""
    function = _unwrap(handler)
    is_function = hasattr(function, "__code__") or hasattr(function, "__func__")
    return getattr(function if is_function else type(function).__call__, "__code__", None)


def _unwrap(handler: Any) -> Any:
    while isinstance(handler, functools.partial):
        handler = handler.func
    return handler
