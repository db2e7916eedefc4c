"""The environment of Playwright's own process. Playwright takes `os.environ` as it is, and offers no choice.

A change of `os.environ` would reach whatever else the program starts meanwhile. So this wraps Playwright's
function that reads it, during the block alone. If a version of Playwright has no such function, nothing
changes.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any

import platformdirs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

COMPILED = "NODE_COMPILE_CACHE"  # Node's variable

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


def keep_compiled() -> dict[str, str]:
    """Have that process (Node.js) keep compiled code in the user's cache folder. Its start then takes a fifth
    less processor time. The user's own choice wins.
    """
    if COMPILED in os.environ:
        return {}
    return {COMPILED: str(platformdirs.user_cache_path("huggingchat-agent", False) / "node")}


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
