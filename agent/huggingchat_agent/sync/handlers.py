"""Handlers outside the loop: plain functions, called by the thread that waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from huggingchat_agent.emitter import Emitter, H, is_async
from huggingchat_agent.errors import UsageError
from huggingchat_agent.events import NAMES, HandlerFailed, Seen
from huggingchat_agent.handler_types import type_by_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.events import Event

Inner = TypeVar("Inner", covariant=True)

# `exchange` is the raw view of everything and is subscribed separately. A handler that raises is reported
# where it was called, so we do not pass on what the loop's side reports.
PASSED_ON = tuple(name for name in NAMES if name not in (Seen.name, HandlerFailed.name))


class Handlers:
    """The methods of an `Emitter` that users call, for the objects without async.

    It holds an emitter and does not inherit from it, so that feeding the handlers does not keep a reply alive
    that its user has dropped.
    """

    def __init__(self, inner: Emitter) -> None:
        """`inner` is the object in the loop that this one stands for."""
        self._emitter = Emitter(awaits=False, failures=inner._failures)

    @type_by_name
    def on(self, name: str, handler: Any = None) -> Any:
        """Call the handler with each event of that name; usable as a decorator.

        The thread that waits or iterates calls it. Returns the handler. Raises ValueError for an unknown
        name, UsageError for an async handler.
        """
        return self._subscribe(self._emitter.on, name, handler)

    @type_by_name
    def once(self, name: str, handler: Any = None) -> Any:
        """Like `on`, for the next event only."""
        return self._subscribe(self._emitter.once, name, handler)

    def add_listener(self, name: str, handler: H) -> H:
        """Like `on`, but not a decorator."""
        return cast("H", self._subscribe(self._emitter.on, name, handler))

    def listens_to(self, name: str) -> Callable[[H], H]:
        """Like `on`, as a decorator only."""
        return cast("Callable[[H], H]", self._subscribe(self._emitter.on, name, None))

    def remove_listener(self, name: str, handler: Callable[[Any], Any]) -> None:
        """Unsubscribe. An unknown handler is ignored."""
        self._emitter.remove_listener(name, handler)

    off = remove_listener

    def remove_all_listeners(self, name: str | None = None) -> None:
        """Unsubscribe all handlers of that name, or of every name."""
        self._emitter.remove_all_listeners(name)

    def listeners(self, name: str) -> list[Callable[..., Any]]:
        """The handlers of that name, in the order they are called."""
        return self._emitter.listeners(name)

    def event_names(self) -> set[str]:
        """The names that have handlers."""
        return self._emitter.event_names()

    def _subscribe(self, subscribe: Callable[[str, Any], Any], name: str, handler: Any) -> Any:
        if handler is None:
            return lambda each: self._subscribe(subscribe, name, each)
        if is_async(handler):
            raise UsageError(
                f"The handler for {name!r} is async, and the sync API has no event loop for it. Pass a plain "
                "function, or use huggingchat_agent.HuggingChat."
            )
        return subscribe(name, handler)


class _Facade(Protocol[Inner]):
    @property
    def _inner(self) -> Inner: ...


def get_inner(facade: _Facade[Inner]) -> Inner:
    """The object in the loop that an object of this API stands for."""
    return facade._inner


def pass_back(emitter: Emitter, inner: Emitter, tell: Callable[[Callable[[], object]], Any]) -> None:
    """Report handlers that failed out here to an object in the loop. `tell` calls a function in the loop."""
    emitter._watch([HandlerFailed.name], lambda event: tell(lambda: inner.emit(event)))


def pass_on(source: Emitter, sink: Callable[[Event], Any]) -> None:
    """Have every event of an object in the loop reach the sink; called in the loop."""
    source._watch(PASSED_ON, sink)
