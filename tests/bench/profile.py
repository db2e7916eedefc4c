"""Where the time goes: the start of a command, a message by ui and by page, a token's way, a recording.

    scripts/profile [--write docs/performance.md]

The figures of the start, of a token and of a recording are CPU time. The times of round trips are those of
the machine at that moment.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import os
import platform
import sys
from pathlib import Path

from rich.console import Console

from tests.bench import cold_steps, cpu, first_token, imports, round_trips, token_path


def report() -> str:
    """The tables in Markdown, with machine and versions."""
    first, *others = asyncio.run(token_path.measure())
    lines = [
        "### Start of a command",
        "",
        *imports.table(),
        "",
        "### A cold `ask hello`, by ui",
        "",
        *cold_steps.table(),
        "",
        "### A message",
        "",
        "```",
        *asyncio.run(round_trips.measure("playwright")),
        "```",
        "",
        "### The first token of a message by page",
        "",
        *first_token.table(),
        "",
        "### A token",
        "",
        f"{max(map(len, others))} Python calls from the driver's callback to a handler where it comes alone; "
        f"{len(first)} for the first one.",
        "",
        *cpu.table(cpu.measure_chunks()),
        "",
        f"{datetime.date.today()}, {os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python "
        f"{platform.python_version()}, load {os.getloadavg()[0]:.1f}.",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/profile", description=__doc__)
    parser.add_argument("--write", type=Path, help="put the tables between the marks of this file")
    arguments = parser.parse_args()
    tables = report()
    if arguments.write:
        begin, end = "<!-- figures -->", "<!-- end of figures -->"
        head, _, rest = arguments.write.read_text().partition(begin)
        arguments.write.write_text(f"{head}{begin}\n{tables}\n{end}{rest.partition(end)[2]}")
    Console(width=160, markup=False, highlight=False).print(tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())
