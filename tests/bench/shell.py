"""How long a command of the shell takes, from its start to its end, on the stand-in site."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

COMMAND = str(Path(sys.executable).with_name("huggingchat"))
BARE, COLD, WARM = "bare interpreter", "cold `ask hello`", "warm `ask hello`"


def measure(base_url: str, rounds: int) -> dict[str, list[float]]:
    """Seconds of each round, by what was run. They take turns, except the warm ones."""
    found: dict[str, list[float]] = {each: [] for each in (BARE, "`--version`", "`--help`", COLD, WARM)}
    with TemporaryDirectory() as home:
        ours = {"HUGGINGCHAT_BASE_URL": base_url, "HUGGINGCHAT_HOME": home}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HUGGINGCHAT_")}

        def run(*command: str, stdin: str = "") -> float:
            begun = time.perf_counter()
            subprocess.run(command, env=kept | ours, input=stdin, text=True, capture_output=True, check=True)
            return time.perf_counter() - begun

        run(COMMAND, "login", "--username", "ada", "--password-stdin", stdin="correct horse\n")
        for _ in range(rounds):
            found[BARE].append(run(sys.executable, "-c", "pass"))
            found["`--version`"].append(run(COMMAND, "--version"))
            found["`--help`"].append(run(COMMAND, "--help"))
            found[COLD].append(run(COMMAND, "ask", "hello"))
        run(COMMAND, "serve", "--background")
        try:
            for _ in range(rounds):
                found[WARM].append(run(COMMAND, "ask", "hello"))
        finally:
            run(COMMAND, "serve", "--stop")
    return found


def report(found: dict[str, list[float]]) -> list[str]:
    """Lines of Markdown: the median of the rounds, and its ratios."""
    middle = {name: statistics.median(seconds) for name, seconds in found.items()}
    lines = ["| from the shell | s | / bare interpreter | / cold |", "|---|---|---|---|"]
    for name, seconds in middle.items():
        lines.append(
            f"| {name} | {seconds:.2f} | {seconds / middle[BARE]:.1f} | {seconds / middle[COLD]:.2f} |"
        )
    return lines
