"""What the processes below this one cost."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from tests.bench.engines import descendants, memory

TICKS = os.sysconf("SC_CLK_TCK")

# The kind of a process, by the first of these that its command has. The others are the browser's own.
KINDS = {
    "fixtures.site": "stand-in",
    "run-driver": "driver",
    "--type=renderer": "renderer",
    "network.mojom": "network",
}


class Spent(NamedTuple):
    """Seconds of CPU time so far: of this process, and of each below it by its id."""

    python: float
    below: dict[int, float]

    @property
    def every(self) -> float:
        """Of all of them."""
        return self.python + sum(self.below.values())

    def since(self, before: Spent) -> Spent:
        """What was spent since then. Processes that have ended meanwhile are left out."""
        below = {id: seconds - before.below.get(id, 0.0) for id, seconds in self.below.items()}
        return Spent(self.python - before.python, below)


def spent() -> Spent:
    """Without processes that have ended."""
    own = time.process_time()
    below = {}
    for process in descendants():
        try:
            with open(f"/proc/{process}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        below[process] = (int(fields[11]) + int(fields[12])) / TICKS
    return Spent(own, below)


def spent_by_kind() -> dict[str, float]:
    """Seconds of CPU time so far, by what the process is. Without processes that have ended."""
    found: dict[str, float] = defaultdict(float, Python=time.process_time())
    for process in descendants() - {os.getpid()}:
        try:
            command = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace")
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        found[_name_kind(command)] += (int(fields[11]) + int(fields[12])) / TICKS
    return found


def _name_kind(command: str) -> str:
    for mark, kind in KINDS.items():
        if mark in command:
            return kind
    return "browser"


def megabytes() -> float:
    """The memory of all processes below this one (Pss)."""
    return memory(descendants())
