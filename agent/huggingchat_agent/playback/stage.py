"""Sets up a full tape for a browser: a server that answers from it, and the browser's settings."""

from __future__ import annotations

import contextlib
import tempfile
from typing import TYPE_CHECKING, Any

from huggingchat_agent.errors import UsageError
from huggingchat_agent.playback.faults import exchange_of, with_faults
from huggingchat_agent.playback.matcher import raise_mismatch
from huggingchat_agent.playback.pauses import shorten_pauses
from huggingchat_agent.playback.player import check_speed
from huggingchat_agent.playback.server import TapeServer
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.tape.summary import recovers, summarize

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from huggingchat_agent.playback.faults import Fault


@contextlib.asynccontextmanager
async def open_stage(
    path: Path, *, speed: float, faults: Sequence[Fault], given: Mapping[str, Any]
) -> AsyncIterator[tuple[TapeServer, dict[str, Any]]]:
    """A server that answers from the tape, and the settings of a HuggingChat that uses it.

    `given` are further settings. Raises what `on_tape` raises.
    """
    tape = Tape(path)
    speed = check_speed(speed)
    if not tape.header.full:
        raise UsageError(
            f"{path} is not a full tape. Record with full=True (--full) to replay it in a browser."
        )
    recording = tape.load(pictures=False)
    if recording.trouble is not None:
        raise recording.trouble
    if speed:
        recording = recording._replace(records=shorten_pauses(recording.records))
    # In a browser a stall takes its seconds whatever the speed, so the server makes it.
    pauses = {exchange_of(recording.records, each): each.stall for each in faults if each.stall}
    changed = with_faults(recording.records, [each for each in faults if not each.stall])
    server = TapeServer(summarize(recording._replace(records=changed)), speed=speed, stalls=pauses)
    async with server:
        with tempfile.TemporaryDirectory(prefix="huggingchat-tape-", ignore_cleanup_errors=True) as home:
            switches = (*(given.get("browser_args") or ()), *server.switches)
            ours = {"base_url": tape.header.base_url, "home": home, "browser_args": switches}
            yield server, {"recover": recovers(recording.records), **given, **ours}
    raise_mismatch(server.mismatches)
