"""Where the time of a cold `ask hello` goes, from the start of the interpreter to its end.

`python -m tests.bench.cold_steps` prints it. The steps nest: a step's time holds those of the steps below it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from fixtures.site import StandIn
from tests.bench.cold_child import BEGAN
from tests.signed_in import save_session

CHILD = Path(__file__).with_name("cold_child.py")


class Step(NamedTuple):
    """Seconds since the process was started."""

    what: str
    start: float
    end: float


def measure(rounds: int = 3) -> list[Step]:
    """The steps of the fastest of several runs, in the order of their start."""
    with StandIn() as site, TemporaryDirectory() as home:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HUGGINGCHAT_")}
        environment = kept | {"HUGGINGCHAT_BASE_URL": site.url, "HUGGINGCHAT_HOME": home}
        save_session(site, Path(home))
        runs = [_run(Path(home, "steps.json"), environment) for _ in range(rounds)]
    return min(runs, key=lambda steps: max(each.end for each in steps))


def _run(path: Path, environment: dict[str, str]) -> list[Step]:
    environment = environment | {BEGAN: str(time.time())}
    command = [sys.executable, str(CHILD), str(path)]
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    steps = [Step(*each) for each in json.loads(path.read_text())]
    return sorted(steps, key=lambda each: (each.start, -each.end))


def table(rounds: int = 3) -> list[str]:
    """Lines of Markdown."""
    lines = ["| step | begins, ms | takes, ms |", "|---|---|---|"]
    open_until: list[float] = []
    for step in measure(rounds):
        open_until = [each for each in open_until if each > step.start]
        indent = "&nbsp;&nbsp;" * len(open_until)
        lines.append(
            f"| {indent}{step.what} | {1000 * step.start:.0f} | {1000 * (step.end - step.start):.0f} |"
        )
        open_until.append(step.end)
    return lines


if __name__ == "__main__":
    sys.stdout.write("\n".join([*table(), ""]))
