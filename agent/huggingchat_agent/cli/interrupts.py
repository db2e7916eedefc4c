"""Ctrl-C during a command. The first ends it in order, which takes some seconds if the site hangs. The next
ends the process at once, as a kill does: the browser ends by itself, but the answer goes on at the app.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from huggingchat_agent.cli import error_output, keyboard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_SHOW_CURSOR = "\x1b[?25h\x1b[?7h"


class Interrupts:
    """Counts each Ctrl-C since the last `forget`. One more than `orderly` ends the process."""

    def __init__(self, orderly: int) -> None:
        self._orderly = orderly
        self._count = 0

    def forget(self) -> None:
        """The command goes on after a Ctrl-C."""
        self._count = 0

    def handle(self, number: int, frame: FrameType | None) -> None:
        """As a signal handler."""
        self._count += 1
        if self._count > self._orderly:
            _end_now()
        raise KeyboardInterrupt


@contextlib.contextmanager
def watch_interrupts(*, orderly: int = 1) -> Iterator[Interrupts]:
    """Handle Ctrl-C during the block, if Python's own handler would."""
    interrupts = Interrupts(orderly)
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if ours:
        signal.signal(signal.SIGINT, interrupts.handle)
    try:
        yield interrupts
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _end_now() -> None:
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr.isatty():
            os.write(sys.stderr.fileno(), f"{_SHOW_CURSOR}\n".encode())
        os.write(sys.stderr.fileno(), b"Ended at once. The answer may go on at the app.\n")
    keyboard.restore_mode()
    os._exit(error_output.INTERRUPTED)
