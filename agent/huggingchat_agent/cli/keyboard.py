"""The terminal's handling of the keys that a person types."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from typing import TYPE_CHECKING, Any

if sys.platform != "win32":
    import termios

if TYPE_CHECKING:
    from collections.abc import Iterator


_TOGETHER = 0.05  # seconds between two lines of a paste, at most
_modes: list[list[Any] | None] = []  # as `keep_mode` found them


class Keys:
    """Keeps keys that a person types during an answer off the screen. The next prompt gets them."""

    def __init__(self) -> None:
        self._before: list[Any] | None = None

    def mute(self) -> None:
        """Show no keys from now on, if this is the terminal's foreground process."""
        before = _read_mode()
        if sys.platform != "win32" and self._before is None and before is not None:
            silent = [*before]
            silent[3] &= ~termios.ECHO
            self._before = before
            _set_mode(silent)

    def unmute(self) -> None:
        """Show keys as before."""
        before, self._before = self._before, None
        if before is not None:
            _set_mode(before)


def read_lines(prompt: str) -> str:
    """What a person types at a terminal without escape sequences: a line, or all lines of a paste."""
    lines = [input(prompt)]
    while _has_more():
        lines.append(input())
    return "\n".join(lines)


def _has_more() -> bool:
    """Whether another line came with the last one. A person's own comes later."""
    if sys.platform == "win32":
        return False
    with contextlib.suppress(OSError, ValueError):
        return bool(select.select([sys.stdin], [], [], _TOGETHER)[0])
    return False


@contextlib.contextmanager
def keep_mode() -> Iterator[None]:
    """Restore the terminal's mode at the end of the block.

    When Playwright's driver ends, it resets the terminal to the mode that it found at its start.
    """
    _modes.append(_read_mode())
    try:
        yield
    finally:
        restore_mode()
        _modes.pop()


def restore_mode() -> None:
    """Set the mode from before the block of `keep_mode`, if it is another one now."""
    before = _modes[-1] if _modes else None
    if before is not None and before != _read_mode():
        _set_mode(before)


def _read_mode() -> list[Any] | None:
    """The mode of the terminal at stdin. None without a terminal, or if this process is in the background."""
    if sys.platform == "win32":
        return None
    with contextlib.suppress(OSError, ValueError, AttributeError, termios.error):
        descriptor = sys.stdin.fileno()
        # Setting the mode from the background stops a process.
        if os.isatty(descriptor) and os.tcgetpgrp(descriptor) == os.getpgrp():
            return termios.tcgetattr(descriptor)
    return None


def _set_mode(mode: list[Any]) -> None:
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError, ValueError, termios.error):
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, mode)
