"""Faults: failures in a replay that the recording did not have."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.errors import UsageError
from huggingchat_agent.tape import format as tapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from huggingchat_agent.tape.format import AnyRecord

MESSAGES = r"POST .*/conversation/[0-9a-f]{24}$"
CUT = "net::ERR_CONNECTION_RESET"
STATUSES = range(200, 600)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A failure in one exchange of a tape.

    `where` is a regular expression that searches "METHOD address"; by default it finds messages. `nth`
    picks one of the exchanges found, from 1. Make one with `cut`, `stall` or `status`. Raises UsageError for
    a value that is out of range.
    """

    where: str = MESSAGES
    nth: int = 1
    cut: int | None = None
    stall: tuple[int, float] | None = None
    status: tuple[int, str] | None = None

    def __post_init__(self) -> None:
        after = self.cut if self.stall is None else self.stall[0]
        if self.nth < 1:
            raise UsageError(f"Exchanges are counted from 1: a fault cannot be in number {self.nth}.")
        if after is not None and after < 0:
            raise UsageError(f"A fault comes after 0 bytes or more, not {after}.")
        if self.stall is not None and not (self.stall[1] > 0 and math.isfinite(self.stall[1])):
            raise UsageError(f"A stall takes a number of seconds above 0, not {self.stall[1]:g}.")
        if self.status is not None and self.status[0] not in STATUSES:
            raise UsageError(f"The status of an answer is from 200 to 599, not {self.status[0]}.")
        try:
            re.compile(self.where)
        except re.error as error:
            raise UsageError(f"{self.where!r} is not a regular expression: {error}.") from None


def cut(after: int, where: str = MESSAGES, nth: int = 1) -> Fault:
    """The connection breaks after so many bytes of the body."""
    return Fault(where=where, nth=nth, cut=after)


def stall(after: int, seconds: float, where: str = MESSAGES, nth: int = 1) -> Fault:
    """The body pauses after so many bytes, for so many seconds."""
    return Fault(where=where, nth=nth, stall=(after, seconds))


def status(code: int, body: str = "", where: str = MESSAGES, nth: int = 1) -> Fault:
    """The app answers with that status and that text."""
    return Fault(where=where, nth=nth, status=(code, body))


def with_faults(records: Sequence[AnyRecord], faults: Iterable[Fault]) -> list[AnyRecord]:
    """The records with these faults in them. Raises UsageError for a fault that finds no exchange."""
    changed = list(records)
    for fault in faults:
        if not isinstance(fault, Fault):
            raise UsageError(f"A fault is made with cut, stall or status of playback.faults, not {fault!r}.")
        changed = apply_fault(changed, fault, exchange_of(changed, fault))
    return changed


def exchange_of(records: Sequence[AnyRecord], fault: Fault) -> str:
    """The id of the exchange of a fault. Raises UsageError if no exchange fits."""
    found = [
        each.id
        for each in records
        if isinstance(each, tapes.Request) and re.search(fault.where, f"{each.method} {each.url}")
    ]
    if len(found) < fault.nth:
        what = "message" if fault.where == MESSAGES else f"exchange that {fault.where!r} finds"
        head, _, tail = what.partition(" ")
        count = f"{len(found)} {head}{'' if len(found) == 1 else 's'} {tail}".rstrip()
        raise UsageError(f"The tape has {count}; there is no number {fault.nth}.")
    return found[fault.nth - 1]


def apply_fault(records: Sequence[AnyRecord], fault: Fault, exchange: str) -> list[AnyRecord]:
    """The records with a fault in the exchange of that id."""
    out: list[AnyRecord] = []
    seen, late, over = 0, 0.0, False
    for record in records:
        ours = isinstance(record, tapes.OfExchange) and record.id == exchange
        if ours and over:
            continue
        if ours and fault.status is not None and isinstance(record, tapes.Response):
            out += _make_refusal(record, *fault.status)
            over = True
            continue
        if ours and isinstance(record, tapes.Chunk):
            data = record.data
            seen += len(data)
            where: dict[str, Any] = {"n": record.n, "at": record.at, "id": record.id, "page": record.page}
            if fault.cut is not None and seen >= fault.cut:
                kept = data[: len(data) - (seen - fault.cut)]
                if kept:
                    out.append(tapes.Chunk(**where, **tapes.make_payload(kept)))
                out.append(tapes.Fail(**where, reason=CUT))
                over = True
                continue
            if fault.stall is not None and seen > fault.stall[0] and not late:
                late = fault.stall[1]
                place = len(data) - (seen - fault.stall[0])
                if place:
                    out.append(tapes.Chunk(**where, **tapes.make_payload(data[:place])))
                    record = tapes.Chunk(**where, **tapes.make_payload(data[place:]))
        # A stall delays everything after it, not only its own exchange.
        out.append(msgspec.structs.replace(record, at=record.at + late) if late else record)
    return out


def _make_refusal(response: tapes.Response, code: int, body: str) -> list[AnyRecord]:
    where: dict[str, Any] = {"n": response.n, "at": response.at, "id": response.id, "page": response.page}
    mime = "application/json" if body.startswith("{") else "text/plain"
    return [
        tapes.Response(
            **where, status=code, mime=mime, headers={"content-type": mime}, protocol=response.protocol
        ),
        *([tapes.Chunk(**where, text=body)] if body else []),
        tapes.End(**where),
    ]
