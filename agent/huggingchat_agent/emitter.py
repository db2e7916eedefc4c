"""Callbacks in order: a typed face over `pyee.EventEmitter`.

pyee's own asyncio emitter starts a task per call, so async handlers can finish out of order, and
its sync handlers raise into whoever emits. Here the order is decided in one place:

* A sync handler runs inside `emit`.
* An async handler has a queue and one task of its own: it gets the events in order, one at a time,
  and however slow it is it loses none and delays nobody else.
* A handler that raises is logged and reported as `handler_failed`; it stops nothing. Only what ends
  a program (KeyboardInterrupt, SystemExit) goes on to whoever emits, after the other handlers.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar, overload

import pyee

from huggingchat_agent.events import NAMES as NAMES
from huggingchat_agent.events import Event, HandlerFailed, known

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[Any], Awaitable[None] | None]
    _Queue = deque["Awaitable[None] | _Mark"]

H = TypeVar("H", bound="Callable[[Any], Any]")

log = logging.getLogger("huggingchat_agent")

# True in an async handler, and in the tasks that one starts: they begin with a copy of its context.
_handling = ContextVar("handling", default=False)


class Emitter:
    """Holds the handlers of one object (chat, conversation or reply). Not thread-safe.

    `upstream` is the emitter of the object that this one belongs to. It, and its own upstream, hear
    of handlers that failed here; all other events are for the objects themselves to pass on.
    """

    def __init__(self, *, upstream: Emitter | None = None) -> None:
        self._reports_to = upstream
        self._pyee = pyee.EventEmitter()
        self._listeners: dict[str, tuple[_Listener, ...]] = {}  # by name, as pyee holds them
        self._busy: set[_Listener] = set()  # the async ones at work, also what was unsubscribed meanwhile

    @overload
    def on(self, name: str, handler: H) -> H: ...
    @overload
    def on(self, name: str) -> Callable[[H], H]: ...
    def on(self, name: str, handler: Any = None) -> Any:
        """Call the handler with each event of that name; usable as a decorator.

        Returns the handler. Raises ValueError for a name that no event has.
        """
        return self._subscribe(name, handler, once=False)

    @overload
    def once(self, name: str, handler: H) -> H: ...
    @overload
    def once(self, name: str) -> Callable[[H], H]: ...
    def once(self, name: str, handler: Any = None) -> Any:
        """As `on`, for the next event only."""
        return self._subscribe(name, handler, once=True)

    def off(self, name: str, handler: Callable[[Any], Any]) -> None:
        """Unsubscribe. Events an async handler has in its queue still reach it. Unknown: ignored."""
        for listener in self._listeners.get(name, ()):
            if listener.handler == handler:
                self._remove(listener)
                return

    def emit(self, event: Event) -> None:
        """Hand one event to its handlers. Of what they raise, only what ends a program comes out."""
        # Not by `pyee.emit`: its lock and its hooks cost more than all else on the way of a token.
        listeners = self._listeners.get(event.name)
        if not listeners:
            return
        fatal: BaseException | None = None
        for listener in listeners:
            try:
                listener(event)
            except (KeyboardInterrupt, SystemExit) as end:
                fatal = fatal or end
        if fatal is not None:
            raise fatal

    def report(self, failed: HandlerFailed) -> None:
        """Hand a failure to those who listen for them, here and upstream."""
        emitter: Emitter | None = self
        while emitter is not None:
            emitter.emit(failed)
            emitter = emitter._reports_to

    def listening(self, name: str) -> bool:
        """Whether anybody listens to that name."""
        return name in self._listeners

    async def drain(self, *, within: float | None = None) -> None:
        """Wait until every async handler has dealt with all it was handed so far; what comes later does
        not count. One that has not after `within` seconds is named in a warning and not waited for again.

        Does not wait where an async handler calls it, or a task that one started: handlers that
        await a reply, which waits for all handlers, would wait for each other or for themselves.
        """
        if _handling.get():
            return
        marks = [(listener, mark) for listener in self._busy if (mark := listener.mark())]
        try:
            async with asyncio.timeout(within):
                for _, mark in marks:
                    await mark.wait()
        except TimeoutError:
            for listener, mark in marks:
                if not mark.is_set():
                    listener.give_up()

    def _subscribe(self, name: str, handler: Any, *, once: bool) -> Any:
        known(name)
        if handler is None:
            return lambda each: self._subscribe(name, each, once=once)
        listener = _Listener(self, name, handler, once)
        self._pyee.on(name, listener)
        self._index(name)
        return handler

    def _remove(self, listener: _Listener) -> None:
        listener.removed = True
        self._pyee.remove_listener(listener.name, listener)
        self._index(listener.name)

    def _index(self, name: str) -> None:
        held: Any = self._pyee.listeners(name)
        if held:
            self._listeners[name] = tuple(held)
        else:
            self._listeners.pop(name, None)

    def _failed(self, listener: _Listener, error: BaseException) -> None:
        label = listener.label
        log.error("The handler %s of %r raised.", label, listener.name, exc_info=error)
        if listener.name == HandlerFailed.name:  # else a failing reporter would report itself
            return
        self.report(HandlerFailed(handled=listener.name, handler=label, error=error))


class _Listener:
    """One subscription: calls a sync handler at once, feeds an async one through its queue."""

    def __init__(self, owner: Emitter, name: str, handler: Handler, once: bool) -> None:
        self.owner, self.name, self.handler, self.once = owner, name, handler, once
        self.removed = False
        self._task: asyncio.Task[None] | None = None  # while there is something in the queue
        self._queue: _Queue | None = None  # most handlers are sync, and never have one
        self._given_up = False

    @property
    def label(self) -> str:
        return getattr(self.handler, "__qualname__", repr(self.handler))

    def __call__(self, event: Event) -> None:
        if self.removed:  # by a handler that got the same event before
            return
        if self.once:
            self.owner._remove(self)
        try:
            result = self.handler(event)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # CancelledError too: only an `await` can be cancelled
            self.owner._failed(self, error)
        else:
            if result is not None and inspect.isawaitable(result):
                self._enqueue(result)

    def mark(self) -> _Mark | None:
        """Set once all that is in the queue by now is dealt with; None where nothing is to be waited for."""
        if self._task is None or self._queue is None or self._given_up:
            return None
        mark = _Mark()
        self._queue.append(mark)
        return mark

    def give_up(self) -> None:
        """Nobody is to wait for it any more. It works on."""
        log.warning("The handler %s of %r has not come to its end; it is left alone.", self.label, self.name)
        self._given_up = True
        for each in self._queue or ():
            if isinstance(each, _Mark):
                each.set()

    def _enqueue(self, work: Awaitable[None]) -> None:
        if self._queue is None:
            self._queue = deque()
        self._queue.append(work)
        if self._task is None:
            self._begin(self._queue)

    def _begin(self, queue: _Queue) -> None:
        self._task = asyncio.create_task(self._work(queue), name=f"handler {self.name}")
        self.owner._busy.add(self)
        # Not at the end of the task itself: one that is cancelled early never runs.
        self._task.add_done_callback(lambda task: self._ended(task, queue))

    async def _work(self, queue: _Queue) -> None:
        _handling.set(True)
        while queue:
            work = queue.popleft()
            if isinstance(work, _Mark):
                work.set()
                continue
            try:
                await work
            except asyncio.CancelledError as error:
                if _being_cancelled():
                    raise
                self.owner._failed(self, error)  # the handler awaited something that was cancelled
            except Exception as error:
                self.owner._failed(self, error)

    def _ended(self, task: asyncio.Task[None], queue: _Queue) -> None:
        self._task = None
        self.owner._busy.discard(self)
        if task.cancelled() or task.exception():
            # The loop is being torn down. Nobody is to wait for what will not be dealt with.
            while queue:
                work = queue.popleft()
                if isinstance(work, _Mark):
                    work.set()
                elif inspect.iscoroutine(work):
                    work.close()
        elif queue:  # handed over just after it had looked
            self._begin(queue)


class _Mark(asyncio.Event):
    """A place in the queue of a handler that somebody waits for it to reach."""


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
