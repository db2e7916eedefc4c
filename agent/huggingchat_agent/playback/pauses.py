"""Long pauses of a tape, made short. A tape from elsewhere can have a pause of any length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from huggingchat_agent.log_records import log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggingchat_agent.tape.format import AnyRecord

LONGEST = 60.0  # seconds between one record and the next


def shorten_pauses(records: Sequence[AnyRecord]) -> list[AnyRecord]:
    """The records with at most LONGEST between one and the next. The log says if that changes anything."""
    shortened: list[AnyRecord] = []
    last = shift = longest = 0.0
    for record in records:
        pause = record.at - last
        last = record.at
        if pause > LONGEST:
            shift += pause - LONGEST
            longest = max(longest, pause)
        shortened.append(msgspec.structs.replace(record, at=record.at - shift) if shift else record)
    if shift:
        log.warning(
            "The tape has pauses of more than %d s, one of %s s. Each is played as %d s.",
            LONGEST,
            f"{longest:,.0f}",
            LONGEST,
        )
    return shortened
