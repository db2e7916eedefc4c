"""A stage for a full tape: a server that answers from it, and the settings of a browser that finds it."""

from __future__ import annotations

import contextlib
import tempfile
from typing import TYPE_CHECKING, Any

from huggingchat_agent.errors import UsageError
from huggingchat_agent.playback import faults as faulty
from huggingchat_agent.playback.matcher import raise_mismatch
from huggingchat_agent.playback.player import pace
from huggingchat_agent.playback.server import TapeServer
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.tape.summary import summarize

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from huggingchat_agent.playback.faults import Fault


@contextlib.asynccontextmanager
async def staged(
    path: Path, *, speed: float, faults: Sequence[Fault], given: Mapping[str, Any]
) -> AsyncIterator[tuple[TapeServer, dict[str, Any]]]:
    """A server that answers from the tape, and the settings of a HuggingChat for it.

    Raises as `on_tape`.
    """
    tape = Tape(path)
    speed = pace(speed)
    if not tape.header.full:
        raise UsageError(f"{path} is no full tape: record with full=True (--full) to replay it in a browser.")
    recording = tape.load(pictures=False)
    if recording.trouble is not None:
        raise recording.trouble
    # A pause is one of the clock on the wall here, whatever the speed.
    pauses = {faulty.exchange_of(recording.records, each): each.stall for each in faults if each.stall}
    changed = faulty.with_faults(recording.records, [each for each in faults if not each.stall])
    server = TapeServer(summarize(recording._replace(records=changed)), speed=speed, stalls=pauses)
    async with server:
        with tempfile.TemporaryDirectory(prefix="huggingchat-tape-", ignore_cleanup_errors=True) as home:
            switches = (*(given.get("browser_args") or ()), *server.switches)
            yield server, {**given, "base_url": tape.header.base_url, "home": home, "browser_args": switches}
    raise_mismatch(server.mismatches)
