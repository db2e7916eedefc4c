"""The goals, and what a run gave by its medians.

`python -m tests.bench.goals FILE` prints them from the figures that the bench saved (`--json`).
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from huggingchat_agent.choices import EngineName
from tests.bench.tables import Figures, find_cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FIRST, P50, P99, BURST = "first token, ms", "per token p50, ms", "per token p99, ms", "burst of 8,000, ms"


class Goal(NamedTuple):
    """One goal of the bench. `two` is None where a figure is not compared with another."""

    name: str
    limit: float
    one: str
    two: str | None = None
    row: str = ""
    divided: bool = False  # else the difference counts, in ms
    least: bool = False  # else the limit is the most it may be
    where: str = ""  # "stand-in" or "app", if only there

    def describe(self) -> str:
        """The cell of the goal itself."""
        bound = "at least" if self.least else "at most"
        if self.divided:
            return f"{bound} {self.limit:.2f} times"
        if self.row == "decode":
            return f"{bound} {self.limit:,.0f}"
        return f"{bound} {self.limit:g} ms{' more' if self.two else ''}"

    def write(self, value: float | None) -> str:
        """The cell of a value. One that misses the goal is bold."""
        if value is None:
            return ""
        digits = 2 if self.divided else 0 if self.limit >= 100 else 1
        shown = f"{value:,.{digits}f}"
        missed = value < self.limit if self.least else value > self.limit
        return f"**{shown}**" if missed else shown


GOALS = (
    Goal("page, first token, beside raw", 5, "page", "raw", FIRST),
    Goal("page, p50, beside raw", 1.5, "page", "raw", P50),
    Goal("page, p99, beside raw", 3, "page", "raw", P99),
    Goal("page, burst, beside raw", 1.10, "page", "raw", BURST, divided=True),
    Goal("ui, first token, beside raw", 60, "ui", "raw", FIRST, where="stand-in"),
    Goal("ui, burst, beside fill", 1.3, "ui", "fill", BURST, divided=True, where="stand-in"),
    Goal("ui, first token, beside fill", 1.15, "ui", "fill", FIRST, divided=True, where="app"),
    Goal("ui, p50, beside fill", 1.15, "ui", "fill", P50, divided=True, where="app"),
    Goal("ui, burst, beside fill", 1.15, "ui", "fill", BURST, divided=True, where="app"),
    Goal("recorded, first token, beside page", 1, "recorded", "page", FIRST),
    Goal("recorded, p99, beside page", 2, "recorded", "page", P99),
    Goal("recorded, burst, beside page", 1.10, "recorded", "page", BURST, divided=True),
    Goal(
        "64 at once by page, throughput, beside raw over HTTP/2",
        0.9,
        "at once",
        "raw",
        divided=True,
        least=True,
    ),
    Goal("64 at once by page over HTTP/2, p99", 100, "at once", row="late"),
    Goal("cold `ask` to its first output, beside browser and page", 1.3, "cold", "bare", divided=True),
    Goal("decode and emit, one by one, updates/s", 200_000, "1", row="decode", least=True),
    Goal("decode and emit, 20 together, updates/s", 200_000, "20", row="decode", least=True),
)


def table(figures: Mapping[str, Any], *, app: bool) -> list[str]:
    """Lines of Markdown, from the figures as the bench saves them, without goals that were not measured."""
    engines = [each for each in get_args(EngineName) if f"{each}" in figures or f"at once, {each}" in figures]
    lines = []
    for goal in GOALS:
        if goal.where == ("stand-in" if app else "app"):
            continue
        values = [find(goal, figures, engine) for engine in engines]
        if any(value is not None for value in values):
            cells = " | ".join(map(goal.write, values))
            lines.append(f"| {goal.name} | {goal.describe()} | {cells} |")
    if not lines:
        return []
    head = [f"| | goal | {' | '.join(engines)} |", f"|{'---|' * (len(engines) + 2)}"]
    return [*head, *lines, "", "By the medians. Bold figures miss their goal."]


def find(goal: Goal, figures: Mapping[str, Any], engine: str) -> float | None:
    """What a run gave for a goal, None if it was not measured."""
    if goal.row == "decode":
        reached = figures.get("decode", {}).get(goal.one)
        return None if reached is None else float(reached)
    if goal.one == "cold":
        return _find_cold(figures, engine)
    if goal.one == "at once":
        return _find_at_once(figures, engine, late=goal.row == "late")
    if engine not in figures:
        return None
    taken = Figures()
    vars(taken).update(figures[engine])
    cells = find_cells(taken)[goal.row]
    if goal.one not in cells or goal.two not in cells:
        return None
    one, two = cells[goal.one], cells[goal.two]
    return one / two if goal.divided else one - two


def _find_cold(figures: Mapping[str, Any], engine: str) -> float | None:
    taken = figures.get("cold", {})
    if engine not in taken.get("first", {}):
        return None
    pairs = zip(taken["first"][engine], taken["bare"], strict=True)
    return _take_median(first / (browser + page) for first, (_, _, browser, page) in pairs)


def _find_at_once(figures: Mapping[str, Any], engine: str, *, late: bool) -> float | None:
    taken = figures.get(f"at once, {engine}", {})
    if taken.get("protocol") != "HTTP/2":
        return None
    one, two = (taken[side]["page 64"] for side in ("agent", "raw"))
    if late:
        return 1000 * _take_median(batch[1] for batch in one)
    return _take_median(batch[0] for batch in two) / _take_median(batch[0] for batch in one)


def _take_median(values: Iterable[Any]) -> float:
    return float(statistics.median(values))


if __name__ == "__main__":
    path = Path(sys.argv[1])
    sys.stdout.write("\n".join([*table(json.loads(path.read_text()), app="app" in path.stem), ""]))
