"""A list of events that finds those of one type."""

from __future__ import annotations

from typing import Any, TypeVar, overload

from huggingchat_agent.events import Event, known

E = TypeVar("E", bound=Event)
K = TypeVar("K", bound=Event)


class EventLog(list[E]):
    """A list of events, in the order they came."""

    @overload
    def of_type(self, kind: type[K]) -> list[K]: ...
    @overload
    def of_type(self, kind: str) -> list[Any]: ...
    def of_type(self, kind: type[K] | str) -> list[Any]:
        """The events of a class, `of_type(events.Token)`, or of a name, `of_type("token")`, in order.

        Raises ValueError for a name that no event has.
        """
        if isinstance(kind, str):
            name = known(kind)
            return [event for event in self if event.name == name]
        return [event for event in self if isinstance(event, kind)]
