"""Explains `with` where it must be `async with`, and similar mistakes, instead of Python's TypeError.

Type checkers do not see these methods, and report the mistake themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from huggingchat_agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

C = TypeVar("C", bound=type)

SENT = " Its message is on the way already; do not send it again."


def asyncio_only(note: str = "") -> Callable[[C], C]:
    """Refuse `with`, `for` and `result()`. `note` follows the advice."""
    other = "is of the API with asyncio; huggingchat_agent.sync has the one without."

    def decorate(cls: C) -> C:
        if hasattr(cls, "__aenter__"):
            _refuse(cls, ("__enter__", "__exit__"), f"Use `async with`, not `with`: this {{}} {other}{note}")
        if hasattr(cls, "__aiter__"):
            _refuse(cls, ("__iter__",), f"Use `async for`, not `for`: this {{}} {other}{note}")
        if hasattr(cls, "__await__"):
            _explain_result(cls, f"Use `await`, not `result()`: this {{}} {other}{note}")
        return cls

    return decorate


def async_for_only(cls: C) -> C:
    """Refuse `for`, `await` and `list()`."""
    why = "what it gives is loaded as you iterate. Without asyncio, use huggingchat_agent.sync."
    _refuse(cls, ("__iter__",), f"Use `async for`, not `for`: {why}")
    _refuse(cls, ("__await__",), f"Use `async for`, not `await`: {why}")
    return cls


def sync_only(note: str = "") -> Callable[[C], C]:
    """Refuse `async with`, `async for` and `await`. `note` follows the advice."""
    other = "is of huggingchat_agent.sync, the API without asyncio."

    def decorate(cls: C) -> C:
        if hasattr(cls, "__enter__"):
            advice = f"Use `with`, not `async with`: this {{}} {other}{note}"
            _refuse(cls, ("__aenter__", "__aexit__"), advice)
        if hasattr(cls, "__iter__"):
            _refuse(cls, ("__aiter__",), f"Use `for`, not `async for`: this {{}} {other}{note}")
        if hasattr(cls, "result"):
            _refuse(cls, ("__await__",), f"Call `result()` and do not await: this {{}} {other}{note}")
        return cls

    return decorate


def _explain_result(cls: type, sentence: str) -> None:
    """Say it where `result` is missing. The class does not get an attribute of that name."""

    def explain(self: object, name: str) -> Any:
        kind = type(self).__name__
        if name == "result":
            raise AttributeError(sentence.format(kind))
        raise AttributeError(f"{kind!r} object has no attribute {name!r}", name=name, obj=self)

    cls.__getattr__ = explain  # type: ignore[attr-defined]


def _refuse(cls: type, methods: tuple[str, ...], sentence: str) -> None:
    def refuse(self: object, *args: Any) -> Any:
        raise UsageError(sentence.format(type(self).__name__))

    for name in methods:
        setattr(cls, name, refuse)
