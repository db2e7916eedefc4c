"""What a forked child process must give back.

A child has our open files. While it lives, a lock of ours stays taken, and whatever waits for our end by a
closed pipe goes on waiting. A signal that a child gets must not arrive in our event loop either. A child that
is forked inside a coroutine also has the running event loop, until it leaves the coroutine. asyncio's own
descriptors are then shared: we miss what the child reads, and no longer hear what it unregisters.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

# The error message in a child.
OTHER_PROCESS = "This HuggingChat was opened in another process. A forked worker opens its own."

# Maps a descriptor to the file behind it, because descriptor numbers are reused.
_kept: dict[int, tuple[int, int]] = {}
_signals: set[int] = set()
_loops: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()


def keep_from_children(descriptor: int) -> None:
    """Close that descriptor in every child process that is forked from now on."""
    for known in [each for each, file in _kept.items() if _file_behind(each) != file]:
        del _kept[known]
    if (file := _file_behind(descriptor)) is not None:
        _kept[descriptor] = file


def keep_lock_from_children(lock: object) -> None:
    """Close the descriptor of a file lock in children, where filelock does not do it itself."""
    descriptor = getattr(getattr(lock, "_context", None), "lock_file_fd", None)
    if isinstance(descriptor, int):
        keep_from_children(descriptor)


def keep_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Let the loop wait for nothing of ours in children. It can still run there, to leave a coroutine."""
    _loops.add(loop)


def keep_signal(number: int) -> None:
    """Reset that signal in children: its handler is ours. `drop_signal` ends that."""
    _signals.add(number)


def drop_signal(number: int) -> None:
    """See `keep_signal`."""
    _signals.discard(number)


def is_ours(number: int) -> bool:
    """Whether a handler of ours is set for that signal."""
    return number in _signals


def _file_behind(descriptor: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _give_back() -> None:
    for loop in _loops:
        _separate(loop)
    _loops.clear()
    # Not closed: an object of Python still has the number, and would close what another file has by then.
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor, file in _kept.items():
        if _file_behind(descriptor) == file:
            with contextlib.suppress(OSError):
                os.dup2(nothing, descriptor, inheritable=False)
    os.close(nothing)
    _kept.clear()
    with contextlib.suppress(ValueError):  # in another thread than the main one
        for number in _signals:
            signal.signal(number, signal.SIG_DFL)
            signal.set_wakeup_fd(-1)
    _signals.clear()


def _separate(loop: Any) -> None:
    """Put other files behind the numbers that asyncio's own loop waits with. No function of it does that."""
    selector: Any = getattr(loop, "_selector", None)
    epoll = getattr(select, "epoll", None)
    if epoll is None or not hasattr(selector, "fileno") or loop.is_closed():
        return
    reader, writer = socket.socketpair()
    with reader, writer, epoll() as waiting:
        for ours, other in ((reader, loop._ssock), (writer, loop._csock)):
            ours.setblocking(False)
            os.dup2(ours.fileno(), other.fileno(), inheritable=False)
        waiting.register(loop._ssock, select.EPOLLIN)
        os.dup2(waiting.fileno(), selector.fileno(), inheritable=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_give_back)
