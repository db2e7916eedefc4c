"""Callbacks in order: a `pyee.EventEmitter` with an `emit` of its own.

pyee's asyncio emitter starts a task per call, so async handlers can finish out of order, and its
sync handlers raise into the caller of `emit`. Here the order is decided in one place:

* A sync handler runs inside `emit`.
* An async handler gets the events of a conversation in order, one at a time. A slow one delays no other
  handler, and not itself for another conversation. `handler_queue` says how much may wait for it.
* A handler that raises is logged and reported as `handler_failed`; it stops nothing. Only KeyboardInterrupt
  and SystemExit end the program, after the other handlers (see `_end_program`).
* An event goes on to the emitter upstream: from a reply to its conversation, and on to the chat.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pyee

from huggingchat_agent.errors import UsageError
from huggingchat_agent.events import NAMES as NAMES
from huggingchat_agent.events import Event, HandlerFailed, Seen, known
from huggingchat_agent.handler_failures import Failures, name_handler
from huggingchat_agent.handler_queue import OVERFULL, Lane, Mark, handling
from huggingchat_agent.handler_types import type_by_name
from huggingchat_agent.log_records import log

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    Handler = Callable[[Any], Awaitable[None] | None]

H = TypeVar("H", bound="Callable[[Any], Any]")


_GENERATORS = (inspect.isasyncgenfunction, inspect.isgeneratorfunction)


class Emitter(pyee.EventEmitter):
    """Holds the handlers of one object (chat, conversation or reply). Not thread-safe.

    `upstream` is the emitter of the object that this one belongs to. Every event also reaches the handlers
    there, after those here. Without `awaits`, there is no event loop here: what
    handlers return is dropped. `failures` are counted per chat: by default, with those upstream.
    """

    def __init__(
        self, *, upstream: Emitter | None = None, awaits: bool = True, failures: Failures | None = None
    ) -> None:
        super().__init__()
        self._upstream = upstream
        self._awaits = awaits
        self._failures: Failures = failures or (upstream._failures if upstream else Failures())
        self._watching: dict[str, list[_Listener]] = {}  # the agent's own, by name
        self._subscribed: dict[str, tuple[_Listener, ...]] = {}  # by name: those, then what pyee holds
        # Whether that name has a handler here. Called for every exchange event, so it is no Python function.
        self._listening: Callable[[str], bool] = self._subscribed.__contains__
        self._busy: set[_Listener] = set()  # the async ones at work, including those unsubscribed meanwhile

    @type_by_name
    def on(self, name: str, handler: Any = None) -> Any:  # type: ignore[override]  # typed by name
        """Call the handler with each event of that name; usable as a decorator.

        Returns the handler. Raises ValueError for a name that no event has, UsageError for a handler
        that cannot be called with an event.
        """
        return self._subscribe(name, handler, once=False)

    @type_by_name
    def once(self, name: str, handler: Any = None) -> Any:  # type: ignore[override]  # typed by name
        """As `on`, for the next event only."""
        return self._subscribe(name, handler, once=True)

    def add_listener(self, name: str, handler: H) -> H:
        """As `on`, but not a decorator."""
        return cast("H", self._subscribe(name, handler, once=False))

    def listens_to(self, name: str) -> Callable[[H], H]:
        """As `on`, as a decorator only."""
        return cast("Callable[[H], H]", self._subscribe(name, None, once=False))

    def remove_listener(self, name: str, handler: Callable[[Any], Any]) -> None:
        """Unsubscribe. An async handler still gets the events in its queue. Ignores an unknown handler."""
        held: Any = super().listeners(name)
        for listener in held:
            if listener.handler == handler:
                self._remove(listener)
                return

    off = remove_listener

    def remove_all_listeners(self, name: str | None = None) -> None:
        """Unsubscribe all handlers of that name; of every name without one."""
        for each in self.event_names() if name is None else (name,):
            held: Any = super().listeners(each)
            for listener in held:
                self._remove(listener)

    def listeners(self, name: str) -> list[Callable[..., Any]]:
        """The handlers of that name, in the order they are called."""
        held: Any = super().listeners(name)
        return [listener.handler for listener in held]

    def event_names(self) -> set[str]:
        """The names that have handlers."""
        return super().event_names()

    def _watch(self, names: Iterable[str], handler: Callable[[Any], Any]) -> None:
        """Subscribe a part of the agent, before the handlers of users. They can neither see nor remove it."""
        for name in names:
            self._watching.setdefault(name, []).append(_Listener(self, name, handler, once=False))
            self._index(name)

    def _note(self, event: Any) -> None:
        """For subclasses: called with each event that is emitted here, before the handlers."""

    def emit(self, event: Event | str, *args: Any, bubbles: bool = True, **kwargs: Any) -> bool:
        """Hand one event to its handlers, here and upstream. Returns whether there were any.

        Raises only KeyboardInterrupt and SystemExit of a handler (see `_end_program`). With `bubbles=False`
        the event stays here. As on every pyee emitter the name can come first: `emit("token", event)`.
        """
        # Not by `pyee.emit`: its lock and its hooks cost more than all other work for a token.
        if isinstance(event, str):
            name, event = event, cast("Event", args[0] if args else None)
        else:
            name = event.name
        self._note(event)
        handled = False
        fatal: BaseException | None = None
        emitter: Emitter | None = self
        while emitter is not None:
            for listener in emitter._subscribed.get(name, ()):
                if listener.removed:  # by a handler that got the same event before
                    continue
                if listener.once:
                    emitter._remove(listener)
                handled = True
                if listener.is_async and emitter._awaits:
                    listener.enqueue(event, event)
                    continue
                try:
                    result = listener.handler(event)
                except (KeyboardInterrupt, SystemExit) as end:
                    fatal = fatal or end
                except BaseException as error:  # CancelledError too: only an `await` can be cancelled
                    emitter._report_failure(listener, error)
                else:
                    if result is not None and emitter._awaits and inspect.isawaitable(result):
                        listener.enqueue(result, event)
            emitter = emitter._upstream if bubbles else None
        if fatal is not None:
            self._end_program(fatal)
        return handled

    def _end_program(self, error: BaseException) -> None:
        """End the program because a handler asked for it. A chat closes in order first."""
        if self._upstream is None:
            raise error
        self._upstream._end_program(error)

    async def _drain_handlers(
        self, *, within: float | None = None, upstream: bool = False, conversation_id: str | None = None
    ) -> None:
        """Wait until every async handler has handled all its events so far, or those of one conversation.

        Later events do not count. After `within` seconds a warning names the handlers that have not, and
        nothing waits for them again. Then wait for the handlers upstream.

        Does not wait if an async handler calls it, or a task that one started: handlers that await a reply,
        which waits for all handlers, would wait for each other or for themselves.
        """
        if handling.get():
            return
        marks = [(listener, mark) for listener in self._busy for mark in listener.marks(conversation_id)]
        try:
            async with asyncio.timeout(within):
                for _, mark in marks:
                    await mark.wait()
        except TimeoutError:
            for listener in {listener for listener, mark in marks if not mark.is_set()}:
                listener.give_up()
        if upstream and self._upstream is not None:
            await self._upstream._drain_handlers(
                within=within, upstream=True, conversation_id=conversation_id
            )

    def _subscribe(self, name: str, handler: Any, *, once: bool) -> Any:
        known(name)
        if handler is None:
            return lambda each: self._subscribe(name, each, once=once)
        check(name, handler)
        listener = _Listener(self, name, handler, once)
        # pyee itself emits "new_listener" then, which has no handlers here.
        super().add_listener(name, listener)
        self._index(name)
        return handler

    def _remove(self, listener: _Listener) -> None:
        listener.removed = True
        super().remove_listener(listener.name, listener)
        self._index(listener.name)

    def _index(self, name: str) -> None:
        held: Any = super().listeners(name)
        if listeners := (*self._watching.get(name, ()), *held):
            self._subscribed[name] = listeners
        else:
            self._subscribed.pop(name, None)

    def _report_failure(self, listener: _Listener, error: BaseException) -> None:
        label, name = listener.label, listener.name
        self._failures.log(name, label, listener.handler, error)
        if name != HandlerFailed.name:  # else a failing reporter would report itself
            self.emit(HandlerFailed(handled=name, handler=label, error=error))


def check(name: str, handler: object) -> None:
    """Raise UsageError for a handler of that event that cannot be called, or would never run."""
    if not callable(handler):
        raise UsageError(
            f"The handler for {name!r} is {handler!r}; give a function of one argument, the event."
        )
    code = handler if inspect.isroutine(handler) else getattr(handler, "__call__", handler)  # noqa: B004
    if any(is_generator(each) for is_generator in _GENERATORS for each in (handler, code)):
        raise UsageError(
            f"The handler for {name!r} is a generator, which would never run: it has a `yield`. Give a "
            "function without one."
        )
    try:
        inspect.signature(handler).bind(None)
    except ValueError:
        pass  # some functions in C have no signature
    except TypeError as error:
        raise UsageError(
            f"The handler for {name!r} cannot be called with the event ({error}); give a function of one "
            "argument."
        ) from None


class _Listener:
    """One subscription. An async handler gets its events through lanes, one for each conversation."""

    def __init__(self, owner: Emitter, name: str, handler: Handler, once: bool) -> None:
        self.owner, self.name, self.handler, self.once = owner, name, handler, once
        self.is_async = is_async(handler)
        self.removed = False
        self._lanes: dict[str, Lane] = {}
        self._given_up = False

    @property
    def label(self) -> str:
        return name_handler(self.handler)

    def __call__(self, event: Event) -> None:
        """For pyee, which requires a callable. `Emitter.emit` calls the handler."""

    def marks(self, conversation_id: str | None) -> list[Mark]:
        """Marks, set once all events that now wait are handled, or those of that conversation.

        The raw view belongs to no conversation.
        """
        if self._given_up:
            return []
        if conversation_id is None:
            return [lane.mark() for lane in self._lanes.values()]
        keys = (conversation_id,) if self.name == Seen.name else (conversation_id, "")
        return [self._lanes[key].mark() for key in keys if key in self._lanes]

    def give_up(self) -> None:
        """Stop all waits for this handler. It works on."""
        log.warning(
            "The handler %s of %r has not returned; nothing waits for it any more.", self.label, self.name
        )
        self._given_up = True
        for lane in self._lanes.values():
            lane.release()

    def enqueue(self, work: Event | Awaitable[None], event: Event) -> None:
        """Have an event handled, or wait for what the handler returned for it."""
        key = getattr(event, "conversation_id", "")
        lane = self._lanes.get(key)
        if lane is None:
            self.owner._busy.add(self)
            handle: Any = self.handler
            lane = self._lanes[key] = Lane(
                self.name, handle, self._fail, self._overflow, lambda: self._remove(key)
            )
        lane.add(work)

    def _remove(self, key: str) -> None:
        del self._lanes[key]
        if not self._lanes:
            self.owner._busy.discard(self)

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, SystemExit | KeyboardInterrupt):
            self.owner._end_program(error)
        else:
            self.owner._report_failure(self, error)

    def _overflow(self) -> None:
        self.owner._report_failure(
            self,
            UsageError(
                f"{OVERFULL:,} events wait for the handler {self.label} of {self.name!r}. It misses further "
                "ones until it has handled those."
            ),
        )


def is_async(handler: object) -> bool:
    """Whether calling the handler only makes a coroutine."""
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(type(handler).__call__)
