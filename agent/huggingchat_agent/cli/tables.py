"""Lists of things: a table at a terminal, and a line for each through a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from huggingchat_agent.cli import console
from huggingchat_agent.cli.terminal import to_one_line
from huggingchat_agent.printable import strip_controls

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Sequence


def print_table(
    columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]], *, cut_last: bool = False
) -> None:
    """Print a table on stdout. `columns` are names and styles; one without any value is left out.

    With `cut_last` each row takes one line: the last column is cut to the room that is left.
    """
    from rich.box import SIMPLE_HEAD  # few commands print a table
    from rich.table import Table

    cells = [[to_one_line(cell) for cell in row] for row in rows]
    kept = [number for number in range(len(columns)) if any(row[number] for row in cells)]
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for number in kept:
        name, style = columns[number]
        if cut_last and number == len(columns) - 1:
            table.add_column(name, style=style, overflow="ellipsis", no_wrap=True, ratio=1)
        else:
            table.add_column(name, style=style, overflow="fold")
    for row in cells:
        table.add_row(*(Text(row[number]) for number in kept))
    console.out.print(table, soft_wrap=False)


def write_lines(rows: Iterable[Sequence[str]]) -> None:
    """Write a line for each row to stdout, its cells separated by tabs.

    Without control characters: what reads the pipe may print to a terminal.
    """
    for row in rows:
        console.write("\t".join(strip_controls(" ".join(cell.split())) for cell in row) + "\n")


def format_date(moment: datetime.datetime | None) -> str:
    """A moment in the local time zone, to the minute; "" for None."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M") if moment else ""
