"""Finds out whether a thread that calls a handler waits for another thread.

Events are handled by one thread at a time, and calls in other threads wait until it is done. If the handler
itself waits for such a thread, neither ends.
"""

from __future__ import annotations

import concurrent.futures
import gc
import queue
import sys
import threading
from typing import TYPE_CHECKING, Any

from huggingchat_agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

LOOK_SECONDS = 1.0  # between two looks
# How often to look at a handler that waits, perhaps for this thread.
DOUBTFUL_LOOKS = 20

_WAITING = {threading.__file__, queue.__file__, concurrent.futures._base.__file__}
_RUNNING = concurrent.futures.thread.__file__


class Watch:
    """For a thread that waits until a handler has returned in another one. `look` now and then."""

    def __init__(self) -> None:
        self._doubts = 0

    def look(self, handling: int) -> None:
        """Raise UsageError if that thread waits for this one, or has probably done so for long."""
        waits = _waits_for(handling, threading.get_ident())
        self._doubts = self._doubts + 1 if waits is None else 0
        if waits or self._doubts >= DOUBTFUL_LOOKS:
            raise UsageError(
                "A handler waits for this thread, and this call waits until that handler has returned. "
                "Use the chat in the handler itself, or do not wait for the other thread there."
            )


def _waits_for(waiter: int, other: int) -> bool | None:
    """Whether a thread waits for another one; None if it waits, and cannot be seen for what."""
    frames = _read_frames()
    waits: bool | None = False
    running = {id(future) for future in _running_futures(frames.get(other))}
    for frame in _walk(frames.get(waiter)):
        if frame.f_code.co_filename not in _WAITING:
            break
        waits = None
        if any(
            _is(value, other, running) for value in (frame.f_locals.get("self"), frame.f_locals.get("fs"))
        ):
            return True
    return waits


def _read_frames() -> dict[int, FrameType]:
    """The top frame of each thread.

    Without garbage collection: Python 3.11 holds a lock meanwhile that a collection takes too, and would hang
    for good (CPython issue 106883).
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames()
    finally:
        if collects:
            gc.enable()


def _is(awaited: Any, thread: int, running: set[int]) -> bool:
    """Whether that is the thread, or a future that it works on."""
    if isinstance(awaited, threading.Thread):
        return awaited.ident == thread
    if isinstance(awaited, concurrent.futures.Future):
        return id(awaited) in running
    if isinstance(awaited, list | tuple | set | frozenset):
        return any(_is(each, thread, running) for each in tuple(awaited))
    return False


def _running_futures(frame: FrameType | None) -> Iterator[Any]:
    for each in _walk(frame):
        if each.f_code.co_filename == _RUNNING and (item := each.f_locals.get("self")) is not None:
            yield getattr(item, "future", None)


def _walk(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
