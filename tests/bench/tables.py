"""The figures of messages one after the other, and their tables."""

from __future__ import annotations

import statistics

HOWS = ("raw", "page", "recorded", "ui", "fill", "by hand")


class Figures:
    """Seconds, by how it was sent; CPU seconds for 10,000 tokens, of Python and of all processes."""

    def __init__(self) -> None:
        self.first: dict[str, list[float]] = {how: [] for how in HOWS}
        self.latency: dict[str, list[float]] = {how: [] for how in HOWS}
        self.burst: dict[str, list[float]] = {how: [] for how in HOWS}
        self.python: dict[str, list[float]] = {how: [] for how in HOWS}
        self.processes: dict[str, list[float]] = {how: [] for how in HOWS}
        self.ceiling: list[float] = []


ROWS: list[tuple[str, float, str, float]] = [
    ("first token, ms", 1000, "first", 0.5),
    ("per token p50, ms", 1000, "latency", 0.5),
    ("per token p99, ms", 1000, "latency", 0.99),
    ("burst of 8,000, ms", 1000, "burst", 0.5),
    ("CPU of Python, s per 10,000 tokens", 1, "python", 0.5),
    ("CPU of all processes, s per 10,000 tokens", 1, "processes", 0.5),
]


# The first three are printed by round as well (see `report`).
RATIOS = [("page", "raw"), ("recorded", "page"), ("ui", "fill"), ("ui", "raw"), ("ui", "by hand")]


def part_of(values: list[float], part: float = 0.5) -> float:
    """The median, or the value below which that part of them is."""
    ordered = sorted(values)
    if part == 0.5:
        return statistics.median(ordered)
    return ordered[min(int(part * len(ordered)), len(ordered) - 1)]


def find_cells(figures: Figures) -> dict[str, dict[str, float]]:
    """By row and way, in the unit of the row, without ways that were not measured."""
    hows = [how for how in HOWS if figures.first[how]]
    return {
        name: {how: unit * part_of(getattr(figures, field)[how], part) for how in hows}
        for name, unit, field, part in ROWS
    }


def report(figures: Figures) -> list[str]:
    """The figures of one engine as lines of Markdown."""
    rows = find_cells(figures)
    hows = [*next(iter(rows.values()))]
    ratios = [each for each in RATIOS if each[0] in hows and each[1] in hows]
    columns = [*hows, *(f"{one} / {other}" for one, other in ratios)]
    lines = [f"| | {' | '.join(columns)} |", f"|{'---|' * (len(columns) + 1)}"]
    for name, cells in rows.items():
        digits = 1 if name.endswith("ms") else 2
        shown = [f"{cells[how]:.{digits}f}" for how in hows]
        shown += [f"{cells[one] / max(cells[other], 1e-9):.2f}" for one, other in ratios]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    rounds = max(map(len, figures.first.values()))
    late = {how: _split(values, rounds) for how, values in figures.latency.items()}
    for name, taken, pairs in (
        ("Burst", figures.burst, RATIOS[:3]),
        ("First token", figures.first, RATIOS[1:3]),
        ("Per token p99", late, RATIOS[1:2]),
    ):
        for one, other in pairs:
            if taken[one] and taken[other]:
                spread = sorted(mine / theirs for mine, theirs in zip(taken[one], taken[other], strict=True))
                each_round = ", ".join(f"{each:.2f}" for each in spread)
                lines += ["", f"{name} {one} / {other}, by round: {each_round}."]
    if figures.ceiling and figures.burst["page"]:
        ceiling, page = part_of(figures.ceiling), part_of(figures.burst["page"])
        lines += [
            "",
            f"The stand-in's own burst, thrown away unread: {1000 * ceiling:.1f} ms, {page / ceiling:.1f} "
            "times faster than page.",
        ]
    return lines


def _split(latencies: list[float], rounds: int) -> list[float]:
    """The p99 of each round. Every round has as many tokens."""
    size = len(latencies) // rounds
    return [part_of(latencies[each * size : (each + 1) * size], 0.99) for each in range(rounds) if size]
