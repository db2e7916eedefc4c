"""Our variables of the environment, `HUGGINGCHAT_<NAME>`. Processes that we start get none of them."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "HUGGINGCHAT_"


def name_variable(name: str) -> str:
    """The name of a setting's variable."""
    return f"{PREFIX}{name.upper()}"


def read(name: str) -> str | None:
    """The value of a setting's variable, None where it is not set or empty."""
    variable = name_variable(name)
    return _aside.get(variable) or _adopted.get(variable) or None


def get_ours() -> dict[str, str]:
    """All of our variables, for a process of ours that gets them over a pipe."""
    return {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}


def adopt(variables: dict[str, str]) -> None:
    """Read these from now on, as if they were in the environment. No process that we start gets them."""
    _adopted.update(variables)


def get_inheritable() -> dict[str, str]:
    """The environment for a process that we start: without our variables, as one is a password."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


@contextmanager
def put_secrets_aside() -> Iterator[None]:
    """Keep our variables out of `os.environ` during the block. `read` still finds them.

    For a library that starts a process and offers no choice of its environment. Leave the block as soon as
    that process has started: other readers of `os.environ` miss the variables.
    """
    _aside.take()
    try:
        yield
    finally:
        _aside.put_back()


class _Aside:
    """The variables that `put_secrets_aside` has taken out of the environment."""

    def __init__(self) -> None:
        self._taken: dict[str, str] = {}
        self._holders = 0
        self._lock = threading.Lock()

    def get(self, name: str) -> str | None:
        with self._lock:
            return os.environ.get(name) or self._taken.get(name)

    def take(self) -> None:
        with self._lock:
            self._holders += 1
            ours = [name for name in os.environ if name.startswith(PREFIX)]
            self._taken |= {name: os.environ.pop(name) for name in ours}

    def put_back(self) -> None:
        with self._lock:
            self._holders -= 1
            if not self._holders:  # the last of those that start a browser at the same time
                for name, value in self._taken.items():
                    os.environ.setdefault(name, value)
                self._taken.clear()


_aside = _Aside()
_adopted: dict[str, str] = {}
