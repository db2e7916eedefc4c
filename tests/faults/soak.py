"""Random faults at random moments: the outcome of one message sent through each.

    scripts/soak --runs 500 --seed 7                       print the table, save all runs in out/soak.json
    scripts/soak --minutes 5 --seed 7                      as many as fit into five minutes
    scripts/soak --runs 500 --minutes 5 --seed 7 --json F  go on with the runs in F, for five minutes

Each run is drawn by the seed and its number alone, so the same seed gives the same faults. A run is
right if the answer is the model's text, every character once and in order. A typed error is right too, if its
partial text is how the model's text begins. Exits with 1 if any run was neither, left a process behind, or
sent its message twice, whether the agent did that or the browser.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
from rich.console import Console
from rich.table import Table

from tests.faults.results import Made, describe_run, make_progress
from tests.faults.staging import COUNT, FAULTS, MOMENTS, Outcome, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from huggingchat_agent.choices import Via

ENGINES = ("playwright", "nodriver")
PER_CHAT = 12  # messages until the chat is closed and another one opened, on the other engine
COLUMNS = ("runs", "right", "typed error", "lost", "doubled", "hangs", "orphans", "sent twice", "longest, s")


class Results(Made, kw_only=True):
    """All runs so far, and where they were made."""

    seed: int
    runs: list[Outcome] = []


def draw(seed: int, number: int) -> dict[str, Any]:
    """Fault, moment and way of a run."""
    chance = random.Random(f"{seed}:{number}")
    moment = chance.choice(list(MOMENTS))
    several = moment.startswith("mid")
    return {
        "via": chance.choice(("ui", "page")),
        "fault": chance.choice(list(FAULTS)),
        "moment": moment,
        "nth": chance.randint(1, COUNT - 1) if several else 0,
    }


async def run(
    results: Results, runs: int, until: float, done: Callable[[Outcome], object], save: Callable[[], object]
) -> None:
    """Make the runs that are missing, chat by chat. Saves the results after each."""
    while (first := len(results.runs)) < runs and time.monotonic() < until:
        engine = ENGINES[first // PER_CHAT % 2]
        last = min(first - first % PER_CHAT + PER_CHAT, runs)
        outcomes: list[Outcome] = []
        with tempfile.TemporaryDirectory() as home:
            stage = Stage(engine, Path(home))
            async with stage:
                for number in range(first, last):
                    case = draw(results.seed, number)
                    outcomes.append(
                        await stage.send(
                            cast("Via", case["via"]), case["fault"], case["moment"], nth=case["nth"]
                        )
                    )
                    done(outcomes[-1])
                    if time.monotonic() > until:
                        break
        await asyncio.to_thread(stage.find_orphans)
        results.runs += outcomes
        save()


def summarize(outcomes: Iterable[Outcome]) -> list[str]:
    """The row of a table, in the order of COLUMNS."""
    every = list(outcomes)
    figures = (
        len(every),
        sum(each.right for each in every),
        sum(bool(each.error) for each in every),
        sum(each.lost for each in every),
        sum(each.doubled for each in every),
        sum(each.hung for each in every),
        sum(each.orphans for each in every),
        sum(each.sent > 1 for each in every),
    )
    return [*map(str, figures), f"{max((each.seconds for each in every), default=0.0):.1f}"]


def rows(results: Results) -> list[list[str]]:
    """A row for each fault, and one for all."""
    by_fault = [[fault, *summarize(each for each in results.runs if each.fault == fault)] for fault in FAULTS]
    return [*by_fault, ["all", *summarize(results.runs)]]


def as_markdown(results: Results) -> str:
    """The table for the docs."""
    lines = [["fault", *COLUMNS], ["---", *["--:"] * len(COLUMNS)], *rows(results)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def show(results: Results, console: Console) -> None:
    table = Table("fault", title=f"seed {results.seed}, {results.machine}, {results.date}")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for row in rows(results):
        table.add_row(*row, end_section=row is rows(results)[-2])
    console.print(table)
    for number, each in enumerate(results.runs):
        if not each.good:
            console.print(f"run {number}: {each}", markup=False)


def load(path: Path, seed: int) -> Results:
    """The runs in a file, to go on with; none if there is no file.

    Exits if they are of another seed, or were made on another machine or with other versions.
    """
    now = Results(seed=seed, **describe_run("playwright", "nodriver", "tenacity"))
    if not path.exists():
        return now
    found = msgspec.json.decode(path.read_bytes(), type=Results)
    if found.seed != seed:
        sys.exit(f"{path} has runs of seed {found.seed}. Name another file, or take that seed.")
    if (found.machine, found.versions) != (now.machine, now.versions):
        made = f"{found.machine}, {found.versions}"
        sys.exit(f"{path} has runs that were made elsewhere ({made}). Name another file.")
    return found


def save(results: Results, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(msgspec.to_builtins(results), indent=1, ensure_ascii=False))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="scripts/soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=0, help="how many, those in the file included")
    parser.add_argument("--minutes", type=float, help="stop after so many minutes")
    parser.add_argument("--seed", type=int, default=0, help="what draws the runs (default 0)")
    parser.add_argument("--json", type=Path, default=Path("out", "soak.json"), help="the file of all runs")
    parser.add_argument("--markdown", action="store_true", help="print the table as docs have it")
    given = parser.parse_args()
    if not given.runs and given.minutes is None:
        parser.error("say --runs N, or --minutes N, or both")
    results = load(given.json, given.seed)
    runs = given.runs or sys.maxsize
    until = time.monotonic() + (60 * given.minutes if given.minutes is not None else float("inf"))
    console = Console()
    progress = make_progress()
    with progress:
        task = progress.add_task("runs", total=given.runs or None, completed=len(results.runs))
        bad = 0

        def note(outcome: Outcome) -> None:
            nonlocal bad
            bad += not outcome.good
            progress.update(task, advance=1, description=f"runs, {bad} bad")

        try:
            asyncio.run(run(results, runs, until, note, lambda: save(results, given.json)))
        except KeyboardInterrupt:
            console.print("Stopped. The runs of the chat that was open are not counted.")
    if given.markdown:
        console.print(as_markdown(results), markup=False, soft_wrap=True)
    else:
        show(results, console)
    sys.exit(not all(each.good for each in results.runs))


if __name__ == "__main__":
    main()
