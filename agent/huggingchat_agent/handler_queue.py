"""The events that wait for an async handler.

Each handler has a lane for each conversation: a queue and a task. So events of a conversation come in order
and one at a time, and conversations do not wait for each other.

A lane holds a limited number of events, and loses no text. When it is full, tokens that follow one another
become one event. So does reasoning. Other events are left out only when ten times as many wait, and never the
last one of a turn.
"""

from __future__ import annotations

import asyncio
import inspect
import io
from collections import deque
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeGuard

import msgspec

from huggingchat_agent.events import AnswerReady, Event, Failed, Finished, Reasoning, Token

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# True in an async handler, and in the tasks that one starts: they begin with a copy of its context.
handling = ContextVar("handling", default=False)

# Events in a full lane.
FULL = 1_000
# Above this many, events other than text are left out.
OVERFULL = 10 * FULL

_KEPT = (AnswerReady, Finished, Failed)


class Mark(asyncio.Event):
    """A place in a lane; set once the handler has reached it."""


class _Joined:
    """Tokens, or reasoning, that follow one another and will be one event."""

    def __init__(self, first: Token | Reasoning, second: Token | Reasoning) -> None:
        self.last = second
        self._text = io.StringIO()
        self._text.write(first.text)
        self._text.write(second.text)

    def add(self, event: Token | Reasoning) -> None:
        self.last = event
        self._text.write(event.text)

    def event(self) -> Event:
        return msgspec.structs.replace(self.last, text=self._text.getvalue())


class Lane:
    """The events of one conversation for one handler, and the task that delivers them. `handle` makes an
    awaitable from an event. `fail` gets what the handler raises, `overflow` is called once when events are
    left out, and `over` when the lane is empty.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[Any], Awaitable[None]],
        fail: Callable[[BaseException], None],
        overflow: Callable[[], None],
        over: Callable[[], None],
    ) -> None:
        self._name, self._handle, self._fail, self._overflow, self._over = name, handle, fail, overflow, over
        self._queue: deque[Event | _Joined | Awaitable[None] | Mark] = deque()
        self._task: asyncio.Task[None] | None = None
        self._overflown = False

    def add(self, work: Event | Awaitable[None]) -> None:
        """Take an event, or what a handler made of one."""
        if len(self._queue) >= FULL and (self._join(work) or self._leave_out(work)):
            return
        self._queue.append(work)
        if self._task is None:
            self._begin()

    def mark(self) -> Mark:
        """A mark, set once all events so far are handled."""
        mark = Mark()
        self._queue.append(mark)
        return mark

    def release(self) -> None:
        """Set all marks, whether the handler gets there or not."""
        for each in self._queue:
            if isinstance(each, Mark):
                each.set()

    def _join(self, work: Event | Awaitable[None]) -> bool:
        """Whether the event became one with the last that waits."""
        last = self._queue[-1]
        before = last.last if isinstance(last, _Joined) else last
        if not (_is_text(work) and _is_text(before) and type(work) is type(before)):
            return False
        if work.turn != before.turn:
            return False
        if isinstance(last, _Joined):
            last.add(work)
        else:
            self._queue[-1] = _Joined(before, work)
        return True

    def _leave_out(self, work: Event | Awaitable[None]) -> bool:
        if len(self._queue) < OVERFULL or isinstance(work, _KEPT):
            return False
        _drop(work)
        if not self._overflown:
            self._overflown = True
            self._overflow()
        return True

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._work(), name=f"handler {self._name}")
        # Not at the end of the task itself: one that is cancelled early never runs.
        self._task.add_done_callback(self._finish)

    async def _work(self) -> None:
        handling.set(True)
        queue = self._queue
        while queue:
            work = queue.popleft()
            if isinstance(work, Mark):
                work.set()
                continue
            try:
                if isinstance(work, _Joined):
                    work = work.event()
                await (self._handle(work) if isinstance(work, Event) else work)
            except asyncio.CancelledError as error:
                if _is_being_cancelled():
                    raise
                self._fail(error)  # the handler awaited something that was cancelled
            except (Exception, SystemExit, KeyboardInterrupt) as error:
                self._fail(error)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if task.cancelled() or task.exception():
            # The loop is being torn down. Nothing may wait for events that nobody will handle.
            self.release()
            for each in self._queue:
                _drop(each)
            self._queue.clear()
        if self._queue:  # an event came just after it had looked
            self._begin()
        else:
            self._overflown = False
            self._over()


def _is_text(work: object) -> TypeGuard[Token | Reasoning]:
    return isinstance(work, Token) or (isinstance(work, Reasoning) and not work.status)


def _drop(work: object) -> None:
    if inspect.iscoroutine(work):
        work.close()


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
