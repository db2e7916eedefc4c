"""The parts of a tape: whole exchanges, whole turns, and the other events and console messages."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from huggingchat_agent.tape import format as tapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from huggingchat_agent.choices import SentVia
    from huggingchat_agent.tape.format import AnyRecord
    from huggingchat_agent.tape.reader import Recording

# The kinds of requests for the parts of a page.
STATIC = {"script", "stylesheet", "image", "font", "media", "manifest", "other"}

TAB_GONE = "the tab is gone"  # the reason the tap gives for exchanges of a closed tab


@dataclass
class Exchange:
    """One request and its answer: the `records`, and the values from them.

    Times are in seconds since the recording began.
    """

    request: tapes.Request
    records: list[AnyRecord] = field(default_factory=list)
    response: tapes.Response | None = None
    body: bytearray = field(default_factory=bytearray)
    cuts: list[tuple[float, int]] = field(default_factory=list)  # time and bytes of each chunk
    messages: list[tapes.Message] = field(default_factory=list)
    ended: float | None = None
    failed: tapes.Fail | None = None

    @property
    def path(self) -> str:
        """The address without its host."""
        return extract_path(self.request.url)

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.body) + sum(len(each.data) for each in self.messages)

    @property
    def static(self) -> bool:
        """Whether it is a script, a style, a picture or a similar file."""
        return self.request.kind in STATIC

    @property
    def abandoned(self) -> bool:
        """Whether it was cancelled, or its tab was closed."""
        return self.failed is not None and (self.failed.canceled or self.failed.reason == TAB_GONE)

    @property
    def troubled(self) -> bool:
        """Whether it failed without being abandoned, or was answered with an error status."""
        broken = self.failed is not None and not self.abandoned
        return broken or (self.response is not None and self.response.status >= 400)


@dataclass
class ToolCall:
    """A tool that the model called. `arguments` and `result` are ready to show, JSON indented."""

    tool: str
    arguments: str
    result: str = ""
    error: str = ""


@dataclass
class Turn:
    """One message and its answer."""

    number: int
    conversation_id: str
    at: float
    prompt: str = ""
    via: SentVia = ""
    tokens: list[tuple[float, str]] = field(default_factory=list)
    reasoning: str = ""
    title: str = ""
    tools: dict[str, ToolCall] = field(default_factory=dict)  # by uuid
    answer: dict[str, Any] | None = None
    error: str = ""
    ended: float | None = None
    pictures: dict[str, tapes.Picture] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The answer so far."""
        if self.answer is not None:
            return str(self.answer.get("text", ""))
        return "".join(text for _, text in self.tokens)

    @property
    def first_token(self) -> float | None:
        """Seconds from the message to the first token."""
        return self.tokens[0][0] - self.at if self.tokens else None

    @property
    def speed(self) -> float | None:
        """Tokens a second, from the first to the last."""
        if len(self.tokens) < 2:
            return None
        seconds = self.tokens[-1][0] - self.tokens[0][0]
        return (len(self.tokens) - 1) / seconds if seconds > 0 else None


@dataclass
class Summary:
    """A whole tape. `troubles` are sentences about what went wrong, each with its time."""

    recording: Recording
    exchanges: list[Exchange] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    console: list[tapes.ConsoleMessage] = field(default_factory=list)
    events: list[tapes.Event] = field(default_factory=list)
    browser: str = ""
    ends: float = 0.0

    @property
    def begins(self) -> float:
        """When the first request was made."""
        return self.exchanges[0].request.at if self.exchanges else 0.0

    @property
    def base_path(self) -> str:
        return urlsplit(self.recording.header.base_url).path

    @property
    def troubles(self) -> list[tuple[float, str]]:
        """The troubles, each with its first time. Failed parts of a page do not count."""
        found = sorted(self._find_troubles())
        counts = Counter(text for _, text in found)
        first = {text: at for at, text in reversed(found)}
        troubles = [
            (first[text], text if count == 1 else f"{text} ({count} times)") for text, count in counts.items()
        ]
        if self.recording.trouble is not None:
            troubles.append((self.ends, str(self.recording.trouble)))
        elif not self.recording.complete:
            troubles.append(
                (self.ends, "The tape is incomplete: the program ended before it closed the tape.")
            )
        return troubles

    def _find_troubles(self) -> Iterator[tuple[float, str]]:
        for turn in self.turns:
            if turn.error:
                yield turn.ended or turn.at, f"Turn {turn.number} failed. {turn.error}"
        for exchange in self.exchanges:
            if exchange.troubled and not exchange.static:
                what = f"{exchange.request.method} {exchange.path}: {describe_outcome(exchange)}"
                yield exchange.request.at, what
        for message in self.console:
            if message.kind == "error":
                yield message.at, f"The page raised: {message.text.partition(chr(10))[0]}"
        for event in self.events:
            if event.event["event"] == "handler_failed":
                handler, name, error = (event.event.get(each) for each in ("handler", "handled", "error"))
                yield event.at, f"The handler {handler} of {name!r} raised: {error}"


def extract_path(url: str) -> str:
    """Path and query of an address."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def read_vias(records: Iterable[AnyRecord]) -> dict[str, SentVia]:
    """How the agent sent each message ("ui" or "page"), by generation id."""
    started = [each.event for each in records if isinstance(each, tapes.Event) and "seq" in each.event]
    return {
        each["generation_id"]: each["via"]
        for each in started
        if each["event"] == "started" and each.get("generation_id") and each.get("via")
    }


def recovers(records: Iterable[AnyRecord]) -> bool:
    """Whether the recording resumed a broken stream. If not, the tape lacks the rest."""
    return any(isinstance(each, tapes.Event) and each.event["event"] == "recovering" for each in records)


def describe_outcome(exchange: Exchange) -> str:
    """How an exchange ended, in a word or two."""
    if exchange.failed is not None:
        return "canceled by the page" if exchange.failed.canceled else exchange.failed.reason
    if exchange.response is None:
        return "no answer"
    return str(exchange.response.status) + ("" if exchange.ended is not None else ", open to the end")


def summarize(recording: Recording) -> Summary:
    """Collect the parts of a tape."""
    summary = Summary(recording)
    exchanges: dict[str, Exchange] = {}
    turns: dict[int, Turn] = {}
    for record in recording.records:
        summary.ends = max(summary.ends, record.at)
        match record:
            case tapes.Request():
                exchanges[record.id] = Exchange(record, [record])
                summary.exchanges.append(exchanges[record.id])
            case tapes.OfExchange():
                if exchange := exchanges.get(record.id):
                    _add(exchange, record)
            case tapes.Event():
                summary.events.append(record)
                _add_event(turns, record)
            case tapes.ConsoleMessage():
                summary.console.append(record)
            case tapes.Browser():
                summary.browser = record.version
            case _:
                pass
    for record in recording.records:
        if isinstance(record, tapes.Picture) and record.turn in turns:
            turns[record.turn].pictures[record.moment] = record
    summary.turns = list(turns.values())
    return summary


def _add(exchange: Exchange, record: AnyRecord) -> None:
    exchange.records.append(record)
    match record:
        case tapes.Response():
            exchange.response = record
        case tapes.Chunk():
            exchange.body += record.data
            exchange.cuts.append((record.at, len(record.data)))
        case tapes.Message():
            exchange.messages.append(record)
        case tapes.End():
            exchange.ended = record.at
        case tapes.Fail():
            exchange.failed = record
        case _:
            pass


def _add_event(turns: dict[int, Turn], record: tapes.Event) -> None:
    event = record.event
    if "seq" not in event:
        return
    turn = turns.get(event["turn"])
    if turn is None:
        turn = turns[event["turn"]] = Turn(event["turn"], event["conversation_id"], record.at)
    match event["event"]:
        case "started":
            turn.prompt, turn.via = event.get("prompt") or "", event.get("via", "")
        case "token":
            turn.tokens.append((record.at, event["text"]))
        case "reasoning":
            turn.reasoning += event.get("text", "")
        case "title":
            turn.title = event["title"]
        case "tool_call":
            arguments = event.get("arguments") or _dump(event["parameters"])
            turn.tools[event["uuid"]] = ToolCall(event["tool"], arguments)
        case "tool_result" if call := turn.tools.get(event["uuid"]):
            call.result = "\n".join(map(_dump, event["outputs"]))
        case "tool_error" if call := turn.tools.get(event["uuid"]):
            call.error = event["message"]
        case "answer":
            turn.answer = event["answer"]
        case "finished":
            turn.ended = record.at
        case "failed":
            turn.ended, turn.error = record.at, f"{event['error']}: {event['message']}"
        case _:
            pass


def _dump(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
