"""Ends a program in order: `sys.exit` or Ctrl-C in a handler, SIGTERM and SIGHUP.

The task that opened the chat is cancelled, as asyncio does for Ctrl-C. So it leaves its `async with`,
which stops running answers and ends the browser. Then the exit goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

from huggingchat_agent import forks

_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Leaving:
    """The way out of one chat: `enter` when it opens, `close` when it begins to close, `leave` after that.

    It takes only signals that the program has left at their defaults, and only in the main thread.
    """

    def __init__(self) -> None:
        self._owner: asyncio.Task[object] | None = None
        self._process = os.getpid()
        self._exit: SystemExit | KeyboardInterrupt | None = None
        self._closing = False

    @property
    def forked(self) -> bool:
        """Whether this is a child process, in which the chat is not open."""
        return os.getpid() != self._process

    def enter(self) -> None:
        """Remember the task that opens the chat, and take the signals."""
        self._owner, self._process = asyncio.current_task(), os.getpid()
        loop = asyncio.get_running_loop()
        forks.keep_loop(loop)
        _open.setdefault(loop, set()).add(self)
        for number in _SIGNALS:
            if signal.getsignal(number) is signal.SIG_DFL:
                with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                    loop.add_signal_handler(number, _leave_all, number)
                    forks.keep_signal(number)

    def end_program(self, error: BaseException) -> None:
        """End the program because a handler asked for it. The chat closes first, unless this is another
        Ctrl-C: that ends it at once.
        """
        if isinstance(error, KeyboardInterrupt) and self._is_leaving:
            raise error
        if not (isinstance(error, SystemExit | KeyboardInterrupt) and self.begin(error)):
            raise error

    @property
    def _is_leaving(self) -> bool:
        owner = self._owner
        return self._closing or self._exit is not None or (owner is not None and owner.cancelling() > 0)

    def begin(self, end: SystemExit | KeyboardInterrupt) -> bool:
        """Have the owner leave. False if nothing leaves: the owner has ended, or is the current task."""
        owner = self._owner
        if owner is None or owner.done() or owner is _current_task():
            return False
        if self._exit is None:
            self._exit = end
            owner.add_done_callback(lambda _: self.leave())  # if it does not close the chat
            if not self._closing:
                owner.cancel()
        return True

    def close(self) -> None:
        """From now on an exit waits for the end of the close."""
        self._closing = True

    def leave(self) -> None:
        """Give the signals back. Raises the exit that has begun, in the task that opened the chat."""
        loop = asyncio.get_running_loop()
        others = _open.get(loop)
        if others is not None:
            others.discard(self)
            if not others:
                del _open[loop]
                for number in filter(forks.is_ours, _SIGNALS):
                    with contextlib.suppress(RuntimeError, ValueError):
                        loop.remove_signal_handler(number)
                        forks.drop_signal(number)
        end = self._exit
        if end is not None and _current_task() in (None, self._owner):
            self._exit = None
            raise end


# The open chats of each loop.
_open: dict[asyncio.AbstractEventLoop, set[Leaving]] = {}


def _leave_all(number: int) -> None:
    end = SystemExit(128 + number)
    begun = [each.begin(end) for each in tuple(_open.get(asyncio.get_running_loop(), ()))]
    if not any(begun):
        raise end


def _current_task() -> asyncio.Task[object] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
