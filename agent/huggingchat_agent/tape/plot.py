"""Plots of one turn as SVG: how many tokens a second, and how long each one took."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 520, 190
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 12, 28
_MOST_BINS = 48
_MOST_DOTS = 1500


def plot_speed(moments: Sequence[float]) -> str:
    """Tokens a second over the time since the first one. `moments` in seconds, in order."""
    span = max(moments[-1] - moments[0], 0.001)
    bins = max(6, min(_MOST_BINS, len(moments) // 2))
    width = span / bins
    counts = [0] * bins
    for moment in moments:
        counts[max(0, min(int((moment - moments[0]) / width), bins - 1))] += 1
    rates = [count / width for count in counts]
    top = _round_up(max(rates))
    points = [(index * width, rate) for index, rate in enumerate(rates)]
    line = " ".join(
        f"H{_to_x(at, span):.1f} V{_to_y(rate, top):.1f} H{_to_x(at + width, span):.1f}"
        for at, rate in points
    )
    base = _to_y(0, top)
    shape = f"M{_to_x(0, span):.1f} {base:.1f} {line} V{base:.1f} Z"
    body = f'<path class="area" d="{shape}"/>'
    return _draw_frame("Tokens a second", span, top, body)


def plot_gaps(sent: float, moments: Sequence[float]) -> str:
    """Milliseconds that each token took: since the message for the first one, else since the one before."""
    took = [1000 * (after - before) for before, after in pairwise([sent, *moments])]
    span = max(moments[-1] - sent, 0.001)
    top = _round_up(max(took))
    # A long answer has more dots than there is room for. Keep the slow ones.
    step = math.ceil(len(took) / _MOST_DOTS)
    slow = sorted(took)[-min(len(took), 200)]
    dots = [
        f'<circle cx="{_to_x(at - sent, span):.1f}" cy="{_to_y(each, top):.1f}" r="{2 if index else 3.5}"/>'
        for index, (at, each) in enumerate(zip(moments, took, strict=True))
        if index % step == 0 or each >= slow
    ]
    return _draw_frame("Milliseconds a token took", span, top, f'<g class="dots">{"".join(dots)}</g>')


def _draw_frame(title: str, span: float, top: float, body: str) -> str:
    rows = [top * part for part in (0, 0.5, 1)]
    columns = [span * part for part in (0, 0.25, 0.5, 0.75, 1)]
    grid = "".join(
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{_to_y(each, top):.1f}" y2="{_to_y(each, top):.1f}"/>'
        for each in rows
    )
    left = "".join(
        f'<text x="{LEFT - 7}" y="{_to_y(each, top) + 4:.1f}" text-anchor="end">{_format_number(each)}</text>'
        for each in rows
    )
    below = "".join(
        f'<text x="{_to_x(each, span):.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">'
        f"{_format_seconds(each, span)}</text>"
        for each, anchor in zip(columns, ("start", "middle", "middle", "middle", "end"), strict=True)
    )
    return (
        f'<figure><figcaption>{title}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{title}"><g class="grid">{grid}</g>{body}<g class="axis">{left}{below}</g></svg>'
        "</figure>"
    )


def _to_x(at: float, span: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * at / span


def _to_y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def _round_up(value: float) -> float:
    """The next number above that reads well on an axis."""
    if value <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(value))
    return next(size * step for step in (1, 2, 4, 5, 6, 8, 10) if size * step >= value * 0.999)


def _format_number(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 10_000 else f"{value:g}"


def _format_seconds(value: float, span: float) -> str:
    return f"{1000 * value:.0f} ms" if span < 1 else f"{value:.1f} s" if span < 20 else f"{value:.0f} s"
