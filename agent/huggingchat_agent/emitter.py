"""Callbacks in order: a typed face over `pyee.EventEmitter`.

pyee's own asyncio emitter starts a task per call, so async handlers can finish out of order, and
its sync handlers raise into whoever emits. Here the order is decided in one place:

* A sync handler runs inside `emit`.
* An async handler has a queue and one task of its own: it gets the events in order, one at a time,
  and however slow it is it loses none and delays nobody else.
* A handler that raises is logged and reported as `handler_failed`; it stops nothing.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any, TypeVar, overload

import pyee

from huggingchat_agent.events import Event, HandlerFailed, every

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[Any], Awaitable[None] | None]

H = TypeVar("H", bound="Callable[[Any], Any]")

log = logging.getLogger("huggingchat_agent")

NAMES = tuple(dict.fromkeys(event.name for event in every()))


class Emitter:
    """Holds the handlers of one object (chat, conversation or reply). Not thread-safe."""

    def __init__(self) -> None:
        self._pyee = pyee.EventEmitter()
        self._listeners: list[_Listener] = []

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
        for listener in self._listeners:
            if listener.name == name and listener.handler == handler:
                self._remove(listener)
                return

    def emit(self, event: Event) -> None:
        """Hand one event to its handlers. Never raises what a handler raises."""
        if self._listeners:
            self._pyee.emit(event.name, event)

    def listening(self, name: str) -> bool:
        """Whether anybody listens to that name."""
        return bool(self._pyee.listeners(name))

    async def drain(self) -> None:
        """Wait until every async handler has dealt with all it was handed so far."""
        current = asyncio.current_task()
        # A handler may await the reply whose events it handles; it cannot wait for itself.
        waiting = [each.idle() for each in tuple(self._listeners) if each.task is not current]
        if waiting:
            await asyncio.gather(*waiting)

    def _subscribe(self, name: str, handler: Any, *, once: bool) -> Any:
        if name not in NAMES:
            raise ValueError(f"There is no event {name!r}. There are: {', '.join(NAMES)}.")
        if handler is None:
            return lambda each: self._subscribe(name, each, once=once)
        listener = _Listener(self, name, handler, once)
        self._listeners.append(listener)
        self._pyee.on(name, listener)
        return handler

    def _remove(self, listener: _Listener) -> None:
        self._listeners.remove(listener)
        self._pyee.remove_listener(listener.name, listener)

    def _failed(self, listener: _Listener, error: BaseException) -> None:
        label = getattr(listener.handler, "__qualname__", repr(listener.handler))
        log.error("The handler %s of %r raised.", label, listener.name, exc_info=error)
        if listener.name != HandlerFailed.name:  # else a failing reporter would report itself
            self.emit(HandlerFailed(event=listener.name, handler=label, error=error))


class _Listener:
    """One subscription: calls a sync handler at once, feeds an async one through its queue."""

    def __init__(self, owner: Emitter, name: str, handler: Handler, once: bool) -> None:
        self.owner, self.name, self.handler, self.once = owner, name, handler, once
        self.task: asyncio.Task[None] | None = None
        self._queue: asyncio.Queue[Awaitable[None]] | None = None

    def __call__(self, event: Event) -> None:
        if self.once:
            self.owner._remove(self)
        try:
            result = self.handler(event)
        except Exception as error:
            self.owner._failed(self, error)
        else:
            if result is not None and inspect.isawaitable(result):
                self._enqueue(result)

    def _enqueue(self, work: Awaitable[None]) -> None:
        if self._queue is None:
            self._queue = asyncio.Queue()
        self._queue.put_nowait(work)
        if self.task is None:
            self.task = asyncio.create_task(self._work(self._queue), name=f"handler {self.name}")

    async def _work(self, queue: asyncio.Queue[Awaitable[None]]) -> None:
        while not queue.empty():
            work = queue.get_nowait()
            try:
                await work
            except Exception as error:
                self.owner._failed(self, error)
            finally:
                queue.task_done()
        self.task = None

    async def idle(self) -> None:
        if self._queue is not None:
            await self._queue.join()
