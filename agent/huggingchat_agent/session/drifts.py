"""Differences between the app and what the agent knows of it. Each is reported once per session."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.events import Drift
from huggingchat_agent.log_records import log
from huggingchat_agent.wire import purposes, routes, shapes, updates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from huggingchat_agent.turn.turn import Turn
    from huggingchat_agent.wire.purposes import Purpose
    from huggingchat_agent.wire.requests import Call


MOST = 200  # differences that a session reports; an app that differs in more is another app


class Drifts:
    """Collects them from answers, streams and pages. `publish` gets each new one; `found` keeps them."""

    def __init__(self, publish: Callable[[Drift], object] = lambda drift: None) -> None:
        self.found: list[Drift] = []
        self._publish = publish
        self._known: set[tuple[str, str, str]] = set()

    def note(self, drift: Drift) -> None:
        """Report a difference, unless the session has reported it already."""
        key = (drift.part, drift.change, drift.what)
        if key in self._known or len(self._known) >= MOST:
            return
        self._known.add(key)
        self.found.append(drift)
        log.info("The app differs: %s, %s, is %s. %s", *key[::2], drift.change, drift.instead)
        self._publish(drift)

    def note_page(self, error: Any, conversation_id: str, instead: str = "") -> None:
        """Report the part of the page that an error names, if it names one."""
        if error.part:
            what = {"part": "the page", "change": error.change, "what": error.part, "instead": instead}
            self.note(Drift(**what, conversation_id=conversation_id))

    def see(self, purpose: type[Purpose] | None, body: str | bytes, conversation_id: str = "") -> None:
        """Compare a successful answer with the shape that the agent knows."""
        for drift in shapes.compare(purpose, body):
            self.note(msgspec.structs.replace(drift, conversation_id=conversation_id))

    def see_conversation(self, body: bytes, conversation_id: str) -> None:
        """Compare what a page read of a conversation."""
        self.see(purposes.ReadConversation, body, conversation_id)

    def see_routes(self, used: dict[type[Purpose], str]) -> None:
        """Check whether the app lacks a route that its build should have. `used` has the route of each
        purpose. An older build lacks all routes of a later date. If it has some of them, it has moved this
        one.
        """
        newest = _find_newest(used)
        for purpose, name in used.items():
            first = next(iter(routes.list_alternatives(purpose)), None)
            if first is None or name == f"{first.method} {first.path}":
                continue
            if first.since and first.since <= newest:
                what = f"the route {first.method} {first.path}"
                self.note(Drift(part="the app", change="gone", what=what, instead=f"{name} instead"))

    def see_missing(self, request: Call, used: dict[type[Purpose], str]) -> None:
        """Note that the app has no route for a request, unless its build is older than the route."""
        route = next((each for each in routes.ROUTES if f"{each.method} {each.path}" == request.route), None)
        if route is not None and route.since <= _find_newest(used):
            self.note(Drift(part="the app", change="gone", what=f"the route {request.route}"))

    def see_turn(self, turn: Turn) -> None:
        """Compare the lines of a turn's stream: its beginning, its end, and the unknown ones between."""
        unknown = (each.raw for each in turn._others if isinstance(each, updates.Unknown))
        lines: Iterable[object] = itertools.chain(shapes.read_lines(turn._stream.sample), unknown)
        for line in lines:
            for drift in shapes.compare_line(line):
                self.note(msgspec.structs.replace(drift, conversation_id=turn.conversation_id))


def _find_newest(used: dict[type[Purpose], str]) -> str:
    """The latest date from which builds have one of these routes, "" if all builds have them all."""
    named = {f"{each.method} {each.path}": each.since for each in routes.ROUTES}
    return max((named.get(each, "") for each in used.values()), default="")
