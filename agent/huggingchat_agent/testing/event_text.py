"""Events as text for people: the conversation, and what happened when."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from huggingchat_agent import events

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 20  # lines of the timeline in a report
_WIDTH = 100  # characters of a line


def format_transcript(log: Sequence[events.Event]) -> str:
    """The turns in the order they began: prompt, answer so far, and how each ended."""
    turns: dict[tuple[str, int], list[events.TurnEvent]] = {}
    for event in log:
        if isinstance(event, events.TurnEvent):
            turns.setdefault((event.conversation_id, event.turn), []).append(event)
    return "\n\n".join(_format_turn(*turn) for turn in turns.values()) or "Nothing was said."


def format_timeline(log: Sequence[events.Event], last: int | None = SHOWN) -> str:
    """The last events with their times. Consecutive tokens share a line."""
    start = next((event.at for event in log if isinstance(event, events.TurnEvent)), 0.0)
    lines = []
    for (kind, _), group in itertools.groupby(log, key=lambda event: (type(event), _turn_number(event))):
        run = list(group)
        if kind is events.Token:
            lines += [_format_tokens(run, start)]
        else:
            lines += [_format_event(event, start) for event in run]
    left_out = len(lines) - last if last is not None and len(lines) > last else 0
    head = [f"... {left_out} lines before"] if left_out else []
    return "\n".join([*head, *lines[left_out:]])


def _format_turn(*turn: events.TurnEvent) -> str:
    begun = (event for event in turn if isinstance(event, events.Started | events.Failed))
    asked = next((event.prompt for event in begun), None)
    answer = next((event.answer for event in turn if isinstance(event, events.AnswerReady)), None)
    text = answer.text if answer else "".join(event.text for event in turn if isinstance(event, events.Token))
    failed = next((event for event in turn if isinstance(event, events.Failed)), None)
    lines = [f"User: {asked if asked is not None else '(not seen)'}"]
    if text or not failed:
        lines.append(f"Assistant: {text}")
    if failed:
        lines.append(f"({failed.error}: {failed.message})")
    elif answer is None:
        lines.append("(not finished)")
    elif answer.interrupted:
        lines.append("(interrupted)")
    return "\n".join(lines)


def _format_tokens(run: Sequence[events.Event], start: float) -> str:
    tokens = [event for event in run if isinstance(event, events.Token)]
    text = repr("".join(token.text for token in tokens))
    count = f" x{len(tokens)} until {tokens[-1].at - start:.3f}" if len(tokens) > 1 else ""
    return _shorten(f"{tokens[0].at - start:8.3f}  token{count}  {text}")


def _format_event(event: events.Event, start: float) -> str:
    when = f"{event.at - start:8.3f}" if isinstance(event, events.TurnEvent) else " " * 8
    common = {"conversation_id", "turn", "seq", "at", "answer"}
    fields = [
        f"{name}={getattr(event, name)!r}"
        for name in event.__struct_fields__
        if name not in common and getattr(event, name) not in (None, "", [])
    ]
    return _shorten(f"{when}  {event.name}  {' '.join(fields)}".rstrip())


def _turn_number(event: events.Event) -> int:
    return event.turn if isinstance(event, events.TurnEvent) else 0


def _shorten(line: str) -> str:
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..."
