"""Bars as SVG: for each row of figures one block, with a bar for each way."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH, LABEL, BAR, GAP = 720, 150, 16, 26
COLORS = {"raw": "#777", "page": "#36c", "recorded": "#2a7", "ui": "#c60", "fill": "#b93", "by hand": "#939"}


def draw(title: str, rows: Mapping[str, Mapping[str, float]]) -> str:
    """Each row has a scale of its own."""
    lines: list[str] = []
    y = 30
    for name, values in rows.items():
        most = max(values.values()) or 1.0
        lines.append(f'<text x="8" y="{y + 12}" font-weight="bold">{escape(name)}</text>')
        y += GAP - 6
        for way, value in values.items():
            long = max(value, 0.0) / most * (WIDTH - LABEL - 90)
            lines += [
                f'<text x="{LABEL - 8}" y="{y + 12}" text-anchor="end">{escape(way)}</text>',
                f'<rect x="{LABEL}" y="{y}" width="{long:.1f}" height="{BAR - 3}" fill="{COLORS[way]}"/>',
                f'<text x="{LABEL + long + 6:.1f}" y="{y + 12}">{_format(value)}</text>',
            ]
            y += BAR
        y += GAP - BAR
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>',
        f'<text x="8" y="18">{escape(title)}</text>',
    ]
    return "\n".join([*head, *lines, "</svg>"]) + "\n"


def _format(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
