"""What the processes below this one cost."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from tests.bench.engines import descendants, memory

TICKS = os.sysconf("SC_CLK_TCK")


class Spent(NamedTuple):
    """Seconds of CPU time so far: of this process, and of it and all below it."""

    python: float
    every: float

    def since(self, before: Spent) -> Spent:
        return Spent(self.python - before.python, self.every - before.every)


def spent() -> Spent:
    """Without processes that have ended."""
    own = time.process_time()
    below = 0
    for process in descendants():
        try:
            with open(f"/proc/{process}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        below += int(fields[11]) + int(fields[12])
    return Spent(own, own + below / TICKS)


def megabytes() -> float:
    """The memory of all processes below this one (Pss)."""
    return memory(descendants())
