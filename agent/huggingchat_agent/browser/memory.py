"""The memory of processes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def measure(processes: Iterable[int]) -> float:
    """Their memory in MiB. Shared memory counts once. Linux only; 0 elsewhere."""
    return sum(map(_measure_one, processes)) / 1024


def _measure_one(process: int) -> int:
    """KiB of one process: its proportional set size. 0 if it has ended."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) if found else 0
