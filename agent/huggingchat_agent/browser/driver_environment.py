"""The environment of Playwright's own process. Playwright takes `os.environ` as it is, and offers no choice.

A change of `os.environ` would reach whatever else the program starts meanwhile. So Playwright's function that
reads it is wrapped: what is chosen here holds for the start within the block alone. Where a version of
Playwright has no such function, nothing changes.
"""

from __future__ import annotations

import contextlib
import importlib
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_NAME = "get_driver_env"
_MODULES = ("transport", "_transport")  # as several versions call it
_chosen: ContextVar[Mapping[str, str] | None] = ContextVar("chosen", default=None)


@contextlib.contextmanager
def choose(variables: Mapping[str, str]) -> Iterator[None]:
    """Add these variables to the environment of a process that Playwright starts in the block."""
    _wrap()
    token = _chosen.set(variables)
    try:
        yield
    finally:
        _chosen.reset(token)


def _wrap() -> None:
    for name in _MODULES:
        with contextlib.suppress(ImportError):
            module: Any = importlib.import_module(f"playwright._impl.{name}")
            read: Callable[[], dict[str, str]] | None = getattr(module, _NAME, None)
            if read is not None and not hasattr(read, "__wrapped__"):
                setattr(module, _NAME, _add_chosen(read))


def _add_chosen(read: Callable[[], dict[str, str]]) -> Callable[[], dict[str, str]]:
    @wraps(read)
    def read_with_chosen() -> dict[str, str]:
        return {**read(), **(_chosen.get() or {})}

    return read_with_chosen
