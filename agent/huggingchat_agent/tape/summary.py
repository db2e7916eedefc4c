"""A tape put together: exchanges as wholes, turns as wholes, and what else was told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from huggingchat_agent.tape import format as tapes
from huggingchat_agent.wire import routes

if TYPE_CHECKING:
    from huggingchat_agent.tape.format import AnyRecord
    from huggingchat_agent.tape.reader import Recording

TAB_GONE = "the tab is gone"  # how the tap ends what was open in a tab that was closed


@dataclass
class Exchange:
    """One request with what came of it: as `records`, and put together from them.

    Times in seconds from the beginning of the tape.
    """

    request: tapes.Request
    records: list[AnyRecord] = field(default_factory=list)
    response: tapes.Response | None = None
    body: bytearray = field(default_factory=bytearray)
    cuts: list[tuple[float, int]] = field(default_factory=list)
    messages: list[tapes.Message] = field(default_factory=list)
    ended: float | None = None
    failed: tapes.Fail | None = None

    @property
    def path(self) -> str:
        """The address without its host."""
        parts = urlsplit(self.request.url)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.body) + sum(len(each.data) for each in self.messages)

    @property
    def given_up(self) -> bool:
        """Whether nobody waited for its end any more."""
        return self.failed is not None and (self.failed.canceled or self.failed.reason == TAB_GONE)

    @property
    def troubled(self) -> bool:
        """Whether it failed, other than by being given up, or was refused."""
        broken = self.failed is not None and not self.given_up
        return broken or (self.response is not None and self.response.status >= 400)


@dataclass
class Turn:
    """One message and what came of it."""

    number: int
    conversation_id: str
    at: float
    prompt: str = ""
    via: str = ""
    tokens: list[tuple[float, str]] = field(default_factory=list)
    reasoning: str = ""
    title: str = ""
    tools: list[str] = field(default_factory=list)
    answer: dict[str, Any] | None = None
    error: str = ""
    ended: float | None = None
    pictures: dict[str, tapes.Picture] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The answer, as far as it came."""
        if self.answer is not None:
            return str(self.answer.get("text", ""))
        return "".join(text for _, text in self.tokens)

    @property
    def first_token(self) -> float | None:
        """Seconds from the message to the first token."""
        return self.tokens[0][0] - self.at if self.tokens else None

    @property
    def speed(self) -> float | None:
        """Tokens a second, from the first one to the last."""
        if len(self.tokens) < 2:
            return None
        seconds = self.tokens[-1][0] - self.tokens[0][0]
        return (len(self.tokens) - 1) / seconds if seconds > 0 else None


@dataclass
class Digest:
    """All of a tape. `troubles` are sentences about what went wrong, with when."""

    recording: Recording
    exchanges: list[Exchange] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    said: list[tapes.Said] = field(default_factory=list)
    told: list[tapes.Event] = field(default_factory=list)
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
        found: list[tuple[float, str]] = []
        for turn in self.turns:
            if turn.error:
                found.append((turn.ended or turn.at, f"Turn {turn.number} failed. {turn.error}"))
        for exchange in self.exchanges:
            if exchange.troubled:
                found.append(
                    (exchange.request.at, f"{exchange.request.method} {exchange.path}: {outcome(exchange)}")
                )
        for said in self.said:
            if said.kind == "error":
                found.append((said.at, f"The page raised: {said.text.partition(chr(10))[0]}"))
        for event in self.told:
            if event.event["event"] == "handler_failed":
                handler, error = event.event.get("handler"), event.event.get("error")
                found.append(
                    (event.at, f"The handler {handler} of {event.event.get('handled')!r} raised: {error}")
                )
        found.sort()
        if self.recording.trouble is not None:
            found.append((self.ends, str(self.recording.trouble)))
        elif not self.recording.complete:
            found.append((self.ends, "The tape is incomplete: the program ended before it could close it."))
        return found


def outcome(exchange: Exchange) -> str:
    """How an exchange ended, in a word or two."""
    if exchange.failed is not None:
        return "given up by the page" if exchange.failed.canceled else exchange.failed.reason
    if exchange.response is None:
        return "no answer"
    return str(exchange.response.status) + ("" if exchange.ended is not None else ", open to the end")


def purpose(exchange: Exchange, base_path: str) -> str:
    """What a request is for, as a name: "SendMessage", "Document", ..."""
    request = exchange.request
    return type(routes.classify(request.method, request.url, base_path, request.kind)).__name__


def digest(recording: Recording) -> Digest:
    """Put a tape together."""
    found = Digest(recording)
    exchanges: dict[str, Exchange] = {}
    turns: dict[int, Turn] = {}
    for record in recording.records:
        found.ends = max(found.ends, record.at)
        match record:
            case tapes.Request():
                exchanges[record.id] = Exchange(record, [record])
                found.exchanges.append(exchanges[record.id])
            case tapes.OfExchange():
                if exchange := exchanges.get(record.id):
                    _add(exchange, record)
            case tapes.Event():
                found.told.append(record)
                _tell(turns, record)
            case tapes.Said():
                found.said.append(record)
            case tapes.Browser():
                found.browser = record.version
            case _:
                pass
    for record in recording.records:
        if isinstance(record, tapes.Picture) and record.turn in turns:
            turns[record.turn].pictures[record.moment] = record
    found.turns = list(turns.values())
    return found


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


def _tell(turns: dict[int, Turn], record: tapes.Event) -> None:
    told = record.event
    if "seq" not in told:
        return
    turn = turns.get(told["turn"])
    if turn is None:
        turn = turns[told["turn"]] = Turn(told["turn"], told["conversation_id"], record.at)
    match told["event"]:
        case "started":
            turn.prompt, turn.via = told.get("prompt") or "", told.get("via", "")
        case "token":
            turn.tokens.append((record.at, told["text"]))
        case "reasoning":
            turn.reasoning += told.get("text", "")
        case "title":
            turn.title = told["title"]
        case "tool_call":
            turn.tools.append(told["tool"])
        case "answer":
            turn.answer = told["answer"]
        case "finished":
            turn.ended = record.at
        case "failed":
            turn.ended, turn.error = record.at, f"{told['error']}: {told['message']}"
        case _:
            pass
