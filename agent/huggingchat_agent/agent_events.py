"""The agent's own events (a retry, a new browser, ...) as sentences for a person who waits for an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from huggingchat_agent import events
from huggingchat_agent.log_records import log

if TYPE_CHECKING:
    from collections.abc import Callable

# The events of a resumed answer belong to a turn, but report on the agent too.
NAMES = (*events.AGENT_NAMES, events.Recovering.name, events.Recovered.name)
_CHANGES = {"new": "new", "gone": "missing", "changed": "changed"}


class Emits(Protocol):
    """A reply."""

    def on(self, name: Any, handler: Callable[[Any], object], /) -> object: ...


def log_events(reply: Emits) -> None:
    """Log what the agent reports about a reply, for programs that do not show it."""
    for name in NAMES:
        reply.on(name, lambda event: log.info("%s", describe(event)))


def describe(event: events.Event) -> str:
    """The event in a sentence. It may hold text of the app, so it is no markup."""
    match event:
        case events.Degraded(reason=reason):
            return f"sent by page, not by the composer: {reason}"
        case events.Drift(part=part, what=what, change=change, instead=instead):
            done = f" ({instead})" if instead else ""
            return f"The app has changed: {part}: {what} is {_CHANGES[change]}{done}."
        case events.Queued():
            return f"Waiting: {_describe_wait(event)}."
        case events.Retrying(reason=reason):
            return f"Trying again: {reason}"
        case events.Recycled(what="browser", turns=turns, seconds=seconds):
            return f"The browser was replaced after {turns} messages, which took {seconds:.1f} s."
        case events.Recycled(turns=turns):
            return f"The tab of the conversation was closed after {turns} messages."
        case events.Recovering(reason=reason):
            return f"The stream broke ({reason})."
        case events.Recovered(seconds=seconds):
            return f"The answer goes on after {seconds:.1f} s."
    return event.name


def _describe_wait(event: events.Queued) -> str:
    if event.reason == "run":
        return "the conversation is still being answered"
    if event.reason == "stop":
        return "an answer is still being stopped"
    return "1 answer is running" if event.running == 1 else f"{event.running} answers are running"
