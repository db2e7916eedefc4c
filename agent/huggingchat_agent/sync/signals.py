"""SIGTERM and SIGHUP end a program as `sys.exit` does, while a HuggingChat is open.

So `with` stops running answers and ends the browser. Only signals that the program leaves at their defaults
are taken, and only in the main thread.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

from huggingchat_agent import forks

if TYPE_CHECKING:
    from types import FrameType

_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
_open: set[int] = set()  # the chats that are open


def take(chat: object) -> None:
    """Take the signals for an open chat. `give_back` ends that."""
    if threading.current_thread() is not threading.main_thread():
        return
    _open.add(id(chat))
    for number in _SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _leave)
            forks.keep_signal(number)


def give_back(chat: object) -> None:
    """Restore the defaults when the last chat is closed. Calling it twice is fine."""
    _open.discard(id(chat))
    if _open or threading.current_thread() is not threading.main_thread():
        return
    for number in _SIGNALS:
        if signal.getsignal(number) is _leave:
            signal.signal(number, signal.SIG_DFL)
            forks.drop_signal(number)


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
