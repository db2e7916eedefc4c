"""What happened on a tape, line by line, to be read in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.summary import describe_outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggingchat_agent.tape.summary import Exchange, Summary

_SILENT = ("token", "reasoning", "status", "exchange")


class Line(NamedTuple):
    """`kind` is "request", "turn", "said", "trouble" or "note"; `at` in seconds from the beginning."""

    at: float
    kind: str
    what: str
    detail: str = ""


def timeline(summary: Summary) -> list[Line]:
    """All lines in order. Tokens are told together, with how many and how fast."""
    lines = [*_exchanges(summary), *_turns(summary), *_others(summary)]
    return sorted(lines, key=lambda line: line.at)


def size(count: int) -> str:
    """Bytes, as a person says it."""
    return (
        f"{count} B" if count < 1000 else f"{count / 1000:.1f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"
    )


def short(text: str, length: int = 100) -> str:
    """A text on one line."""
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"


def _exchanges(summary: Summary) -> Iterator[Line]:
    for exchange in summary.exchanges:
        request = exchange.request
        kind = "trouble" if exchange.troubled else "request"
        yield Line(request.at, kind, f"{request.method} {exchange.path}", _end_of(exchange))


def _end_of(exchange: Exchange) -> str:
    parts = [describe_outcome(exchange)]
    if exchange.size:
        parts.append(size(exchange.size))
    if len(exchange.cuts) > 1:
        parts.append(f"{len(exchange.cuts)} chunks")
    over = exchange.ended or (exchange.failed.at if exchange.failed else None)
    if over is not None:
        parts.append(f"{1000 * (over - exchange.request.at):.0f} ms")
    return ", ".join(parts)


def _turns(summary: Summary) -> Iterator[Line]:
    for turn in summary.turns:
        via = f" by {turn.via}" if turn.via else ""
        yield Line(turn.at, "turn", f"turn {turn.number} begins{via}", short(turn.prompt))
        if turn.tokens:
            first = turn.first_token or 0.0
            speed = f", {turn.speed:.0f} a second" if turn.speed else ""
            told = f"{len(turn.tokens)} tokens{speed}, the first after {1000 * first:.0f} ms"
            yield Line(turn.tokens[0][0], "turn", f"turn {turn.number} answers", told)
        if turn.error:
            yield Line(turn.ended or turn.at, "trouble", f"turn {turn.number} failed", turn.error)
        elif turn.ended is not None:
            yield Line(turn.ended, "turn", f"turn {turn.number} ends", short(turn.text))


def _others(summary: Summary) -> Iterator[Line]:
    for event in summary.events:
        told = event.event
        if told["event"] == "handler_failed":
            yield Line(event.at, "trouble", f"handler {told['handler']} failed", str(told["error"]))
        elif "seq" not in told and told["event"] not in _SILENT:
            rest = {name: value for name, value in told.items() if name not in ("event", "conversation_id")}
            yield Line(event.at, "note", told["event"], short(str(rest)))
    for said in summary.console:
        kind = "trouble" if said.kind == "error" else "said"
        yield Line(said.at, kind, f"{said.kind} ({said.level})", short(said.text))
    for record in summary.recording.records:
        if isinstance(record, tapes.Browser):
            yield Line(record.at, "note", "browser", record.version)
        elif isinstance(record, tapes.Hidden):
            yield Line(record.at, "note", "a page of the sign-in", "not on the tape")
