"""The events that a handler can receive, with their names.

Events of a turn, in this order:

    started, (token | reasoning | title | tool_* | search_* | sources | file | router | elicitation |
    elicitation_resolved | status | recovering | recovered | unknown)*, then answer and finished, or failed

A message that could not be sent has `failed` alone.

Each carries `conversation_id`, `turn` (1, 2, ... within the session), `seq` (from 1, strictly rising within
the turn) and `at` (seconds, monotonic clock of this process). Events of the agent itself (`exchange`,
`degraded`, `drift`, `queued`, `retrying`, `recycled`, `handler_failed`) stand outside that order.

A type checker knows the class by the name: after `if event.name == "token"` an event of a reply is a
Token, and so is what a handler of `on("token", handler)` gets. mypy does
not see that of a lambda with a default argument: write a function there.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias

import msgspec

from huggingchat_agent import redact
from huggingchat_agent.answer import Answer, File, Router, Source
from huggingchat_agent.choices import SentVia
from huggingchat_agent.exchange import ExchangeEvent
from huggingchat_agent.question import Field


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all events. Subscribe by `name`."""

    name: ClassVar[str] = ""


class TurnEvent(Event, frozen=True, kw_only=True):
    """Base of the events of one turn."""

    conversation_id: str
    turn: int
    seq: int
    at: float


class Started(TurnEvent, frozen=True, kw_only=True):
    """The message was sent. `via` is "ui", "page", or "" if a person or another program sent it."""

    name: ClassVar[Literal["started"]] = "started"
    via: SentVia = ""
    prompt: str | None = None
    generation_id: str | None = None


class Token(TurnEvent, frozen=True, kw_only=True, gc=False):
    """A piece of the answer's text. `length` is the number of characters so far, this piece included."""

    name: ClassVar[Literal["token"]] = "token"
    text: str
    length: int


class Reasoning(TurnEvent, frozen=True, kw_only=True):
    """A piece of the model's reasoning (`text`), or a line about it (`status`, older apps)."""

    name: ClassVar[Literal["reasoning"]] = "reasoning"
    text: str = ""
    status: str = ""


class Status(TurnEvent, frozen=True, kw_only=True):
    """A status line of the app: "started", "finished", ... Keep-alives are not reported."""

    name: ClassVar[Literal["status"]] = "status"
    status: str


class Title(TurnEvent, frozen=True, kw_only=True):
    """The app named the conversation."""

    name: ClassVar[Literal["title"]] = "title"
    title: str


class ToolCalled(TurnEvent, frozen=True, kw_only=True):
    """The model calls a tool; `uuid` pairs the call with what follows.

    `parameters` are those that the app shows, without nested ones. `arguments` is the JSON text that the
    model wrote, "" if the app does not send it.
    """

    name: ClassVar[Literal["tool_call"]] = "tool_call"
    uuid: str
    tool: str
    parameters: dict[str, Any]
    arguments: str = ""


class ToolEta(TurnEvent, frozen=True, kw_only=True):
    """The app expects the tool to take `eta` seconds."""

    name: ClassVar[Literal["tool_eta"]] = "tool_eta"
    uuid: str
    eta: float


class ToolProgress(TurnEvent, frozen=True, kw_only=True):
    """The tool reports progress. `total` is None if it gives none."""

    name: ClassVar[Literal["tool_progress"]] = "tool_progress"
    uuid: str
    progress: float
    total: float | None = None
    message: str = ""


class ToolResult(TurnEvent, frozen=True, kw_only=True):
    """The tool returned. `outputs` are the app's own objects."""

    name: ClassVar[Literal["tool_result"]] = "tool_result"
    uuid: str
    outputs: list[Any]


class ToolFailed(TurnEvent, frozen=True, kw_only=True):
    """The tool call failed; the turn goes on."""

    name: ClassVar[Literal["tool_error"]] = "tool_error"
    uuid: str
    message: str


class SearchUpdate(TurnEvent, frozen=True, kw_only=True):
    """A line about the web search (2025-04)."""

    name: ClassVar[Literal["search_update"]] = "search_update"
    message: str
    args: list[Any] = []


class SearchSources(TurnEvent, frozen=True, kw_only=True):
    """Pages that the answer is based on."""

    name: ClassVar[Literal["sources"]] = "sources"
    sources: list[Source]


class SearchFailed(TurnEvent, frozen=True, kw_only=True):
    """The web search failed; the turn goes on."""

    name: ClassVar[Literal["search_error"]] = "search_error"
    message: str
    args: list[Any] = []


class SearchFinished(TurnEvent, frozen=True, kw_only=True):
    """The web search is over."""

    name: ClassVar[Literal["search_finished"]] = "search_finished"


class FileProduced(TurnEvent, frozen=True, kw_only=True):
    """The run stored a file."""

    name: ClassVar[Literal["file"]] = "file"
    file: File


class RouterChose(TurnEvent, frozen=True, kw_only=True):
    """The router's choice so far (merged over the turn)."""

    name: ClassVar[Literal["router"]] = "router"
    router: Router


class ElicitationRequested(TurnEvent, frozen=True, kw_only=True):
    """A tool asks the user something. Answer it with `conversation.elicitation(event)`.

    `tool_uuid` is the call that asks, "" if the app cannot tell it from others that run beside it.
    `expires_at` is the Unix time in seconds until which the run waits. It is None if the run parks: the
    stream ends, and the turn is resumed later.
    """

    name: ClassVar[Literal["elicitation"]] = "elicitation"
    elicitation_id: str
    server: str
    mode: str
    message: str
    fields: list[Field] = []
    url: str = ""
    expires_at: float | None = None
    tool_uuid: str = ""


class ElicitationResolved(TurnEvent, frozen=True, kw_only=True):
    """The question is closed. `content` is the answer.

    `action` is "accept", "decline" or "cancel". `resolution` says why: "user", "expired", "aborted" (the run
    was stopped) or "withdrawn" (by the tool).
    """

    name: ClassVar[Literal["elicitation_resolved"]] = "elicitation_resolved"
    elicitation_id: str
    action: str
    resolution: str
    content: dict[str, Any] = {}


class Unknown(TurnEvent, frozen=True, kw_only=True):
    """A line of a type that the agent does not know, as it came. Never an error."""

    name: ClassVar[Literal["unknown"]] = "unknown"
    raw: Any


class AnswerReady(TurnEvent, frozen=True, kw_only=True):
    """The answer is complete and its ids are known."""

    name: ClassVar[Literal["answer"]] = "answer"
    answer: Answer


class Finished(TurnEvent, frozen=True, kw_only=True):
    """The last event of a turn that succeeded."""

    name: ClassVar[Literal["finished"]] = "finished"


class Failed(TurnEvent, frozen=True, kw_only=True):
    """The last event of a turn that failed. `error` is the class name, `message` what happened.

    `prompt` is that of a message that was never sent: there was no `started`.
    """

    name: ClassVar[Literal["failed"]] = "failed"
    error: str
    message: str
    partial: str = ""
    prompt: str | None = None


class Recovering(TurnEvent, frozen=True, kw_only=True):
    """The stream of the answer broke after `length` characters, for this `reason`. The run may go on, and the
    agent resumes the answer.
    """

    name: ClassVar[Literal["recovering"]] = "recovering"
    reason: str
    length: int


class Recovered(TurnEvent, frozen=True, kw_only=True):
    """The answer goes on after its first `length` characters, `seconds` after the break. `means` is
    "reattach" (the app's own stream for this) or "read" (reads of the conversation until the run is over). A
    stream that breaks again is resumed again.
    """

    name: ClassVar[Literal["recovered"]] = "recovered"
    means: str
    length: int
    seconds: float


class Seen(Event, frozen=True, kw_only=True):
    """The raw view, for debugging: one exchange event."""

    name: ClassVar[Literal["exchange"]] = "exchange"
    exchange: ExchangeEvent


class AgentEvent(Event, frozen=True, kw_only=True):
    """Base of the events of the agent itself, which stand beside those of a turn."""


class Degraded(AgentEvent, frozen=True, kw_only=True):
    """`via="auto"` sent by page, because a control could not be found or the text is long."""

    name: ClassVar[Literal["degraded"]] = "degraded"
    conversation_id: str
    reason: str


class Drift(AgentEvent, frozen=True, kw_only=True):
    """The app differs from what the agent knows of it, and the agent goes on.

    `part` is what differs ("a message", "the stream's line finalAnswer", "the page"), `what` is the detail
    ("the field threadId", "a dialog \"What's new\""). `change` is "new", "gone" or "changed". `instead` says
    what the agent did, "" if there was nothing to do. A session reports each difference once.
    """

    name: ClassVar[Literal["drift"]] = "drift"
    part: str
    change: Literal["new", "gone", "changed"]
    what: str
    instead: str = ""
    conversation_id: str = ""


class Queued(AgentEvent, frozen=True, kw_only=True):
    """A message waits before it is sent. `reason` says why.

    "connections": a host on HTTP/1.1 gives few, and `running` turns have them. "run": the conversation still
    has a run, whose stream broke or that another client started. "stop": a stop that came too late would end
    the new run.
    """

    name: ClassVar[Literal["queued"]] = "queued"
    conversation_id: str
    reason: str = "connections"
    running: int = 0


class Retrying(AgentEvent, frozen=True, kw_only=True):
    """A request is retried after `delay` seconds, because it failed (`reason`) in a way that may pass.
    `request` is its route, "" if there are several; `attempt` is the number of the next attempt. A message
    that the browser has sent again by itself is reported when the turn is over, with `delay` 0.
    """

    name: ClassVar[Literal["retrying"]] = "retrying"
    conversation_id: str
    request: str
    attempt: int
    delay: float
    reason: str


class Recycled(AgentEvent, frozen=True, kw_only=True):
    """The browser, or a conversation's tab, was replaced between two messages. `what` is "browser" or "tab",
    and `turns` the number of its turns. `reason` is "turns" or "memory". For a browser, `seconds` is how long
    that took. `conversation_id` is that of the tab.
    """

    name: ClassVar[Literal["recycled"]] = "recycled"
    what: Literal["browser", "tab"]
    reason: str
    turns: int
    seconds: float = 0.0
    conversation_id: str = ""


class HandlerFailed(Event, frozen=True, kw_only=True):
    """A handler raised `error`. The stream goes on. `handled` is the name of the event it got."""

    name: ClassVar[Literal["handler_failed"]] = "handler_failed"
    handled: str
    handler: str
    error: BaseException


_OfText: TypeAlias = Started | Token | Reasoning | Status | Title | Unknown
_OfTools: TypeAlias = ToolCalled | ToolEta | ToolProgress | ToolResult | ToolFailed | FileProduced
_OfSearch: TypeAlias = SearchUpdate | SearchSources | SearchFailed | SearchFinished | RouterChose
_OfCourse: TypeAlias = ElicitationRequested | ElicitationResolved | Recovering | Recovered
AnyTurnEvent: TypeAlias = _OfText | _OfTools | _OfSearch | _OfCourse | AnswerReady | Finished | Failed
AnyAgentEvent: TypeAlias = Degraded | Drift | Queued | Retrying | Recycled
AnyEvent: TypeAlias = AnyTurnEvent | Seen | AnyAgentEvent | HandlerFailed


def every(base: type[Event] = Event) -> list[type[Event]]:
    """All event classes with a name, in the order of this module."""
    found = [base] if base.name else []
    for child in base.__subclasses__():
        found += every(child)
    return found


NAMES = tuple(dict.fromkeys(event.name for event in every()))
AGENT_NAMES = tuple(event.name for event in every(AgentEvent))


def known(name: str) -> str:
    """The name, if an event has it. Raises ValueError with all names."""
    if name not in NAMES:
        raise ValueError(f"There is no event {name!r}. There are: {', '.join(NAMES)}.")
    return name


def to_json(event: Event) -> bytes:
    """The line that `--json` prints, without its newline: the fields of the event after its name."""
    return msgspec.json.encode(plain(event))


def plain(event: Event) -> dict[str, Any]:
    """The event as JSON has it: its name as `event`, then its fields.

    Values that JSON cannot hold become text: raw bytes of exchanges, and exceptions, without secrets.
    """
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    values: dict[str, Any] = msgspec.to_builtins({"event": event.name, **fields}, enc_hook=_as_text)
    return values


def _as_text(value: Any) -> str:
    if isinstance(value, BaseException):
        return redact.text(f"{type(value).__name__}: {value}")
    return str(value)
