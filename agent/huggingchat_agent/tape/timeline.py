"""The events of a tape, line by line, for a terminal or a pipe."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.summary import describe_outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from huggingchat_agent.tape.summary import Exchange, Summary

_SILENT = ("token", "reasoning", "status", "exchange")


class Line(NamedTuple):
    """One line. `at` is in seconds since the recording began, `bytes` the size of a body.

    `kind` is "request", "static" (a script, a style, a picture), "turn", "console", "trouble" or "note".
    """

    at: float
    kind: str
    what: str
    detail: str = ""
    bytes: int = 0


def make_timeline(summary: Summary, *, fold: bool = False) -> list[Line]:
    """All lines in order. The tokens of a turn are one line.

    With `fold` static files that follow one another are one line too.
    """
    lines = [*_list_exchanges(summary), *_list_turns(summary), *_list_others(summary)]
    lines.sort(key=lambda line: line.at)
    return list(_fold(lines)) if fold else lines


def format_size(count: int) -> str:
    """A number of bytes, for people."""
    return (
        f"{count} B" if count < 1000 else f"{count / 1000:.1f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"
    )


def shorten(text: str, length: int = 100) -> str:
    """A text on one line, cut to that many characters."""
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"


def _fold(lines: Iterable[Line]) -> Iterator[Line]:
    for static, group in groupby(lines, key=lambda line: line.kind == "static"):
        run = list(group)
        if not static or len(run) == 1:
            yield from run
        else:
            total = sum(line.bytes for line in run)
            yield Line(run[0].at, "static", f"{len(run)} static files", format_size(total) if total else "")


def _list_exchanges(summary: Summary) -> Iterator[Line]:
    for exchange in summary.exchanges:
        request = exchange.request
        kind = "trouble" if exchange.troubled else "static" if exchange.static else "request"
        what = f"{request.method} {exchange.path}"
        yield Line(request.at, kind, what, _describe_end(exchange), exchange.size)


def _describe_end(exchange: Exchange) -> str:
    parts = [describe_outcome(exchange)]
    if exchange.size:
        parts.append(format_size(exchange.size))
    if len(exchange.cuts) > 1:
        parts.append(f"{len(exchange.cuts)} chunks")
    over = exchange.ended or (exchange.failed.at if exchange.failed else None)
    if over is not None:
        parts.append(f"{1000 * (over - exchange.request.at):.0f} ms")
    return ", ".join(parts)


def _list_turns(summary: Summary) -> Iterator[Line]:
    for turn in summary.turns:
        via = f" by {turn.via}" if turn.via else ""
        yield Line(turn.at, "turn", f"turn {turn.number} begins{via}", shorten(turn.prompt))
        if turn.tokens:
            first = turn.first_token or 0.0
            speed = f", {turn.speed:.0f} a second" if turn.speed else ""
            count = f"{len(turn.tokens)} tokens{speed}, the first after {1000 * first:.0f} ms"
            yield Line(turn.tokens[0][0], "turn", f"turn {turn.number} answers", count)
        if turn.error:
            yield Line(turn.ended or turn.at, "trouble", f"turn {turn.number} failed", turn.error)
        elif turn.ended is not None:
            yield Line(turn.ended, "turn", f"turn {turn.number} ends", shorten(turn.text))


def _list_others(summary: Summary) -> Iterator[Line]:
    for record in summary.events:
        event = record.event
        if event["event"] == "handler_failed":
            yield Line(record.at, "trouble", f"handler {event['handler']} failed", str(event["error"]))
        elif "seq" not in event and event["event"] not in _SILENT:
            rest = {name: value for name, value in event.items() if name not in ("event", "conversation_id")}
            yield Line(record.at, "note", event["event"], shorten(str(rest)))
    for message in summary.console:
        kind = "trouble" if message.kind == "error" else "console"
        yield Line(message.at, kind, f"{message.kind} ({message.level})", shorten(message.text))
    for other in summary.recording.records:
        if isinstance(other, tapes.Browser):
            yield Line(other.at, "note", "browser", other.version)
        elif isinstance(other, tapes.Hidden):
            yield Line(other.at, "note", "a page of the sign-in", "not on the tape")
