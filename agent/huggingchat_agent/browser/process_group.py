"""The process group of a browser that we have started.

Its id is the id of the browser's process, and the system reuses ids. So the group is killed only while that
process exists, or at the moment when its end is noticed, and never later.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time

from huggingchat_agent.browser import process_tag

_LOOK_SECONDS = 0.05  # seconds between two looks at a process whose end no event reports


class ProcessGroup:
    """The group that this process leads, as long as we may kill it. A forked child may not."""

    def __init__(self, leader: int) -> None:
        self.leader = process_tag.Owner.of(leader)
        self._started_by = os.getpid()
        self._over = False

    def kill(self) -> None:
        """Kill all of it, if its leader is there."""
        if self.leader.exists:
            self._kill()

    def end(self) -> None:
        """Kill what is left of it, because its leader has just ended. Does nothing from then on."""
        if not self._over and not process_tag.is_used_again(self.leader):
            self._kill()
        self._over = True

    async def end_soon(self, seconds: float) -> None:
        """Wait that long for the end of its leader, which nobody can reach any more, then `end` it."""
        until = time.monotonic() + seconds
        # Its parent is the driver, so we get no event.
        while self.leader.exists and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)
        self.end()

    def _kill(self) -> None:
        if self._over or self._started_by != os.getpid():
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                os.kill(self.leader.process, signal.SIGTERM)
            else:
                os.killpg(self.leader.process, signal.SIGKILL)
