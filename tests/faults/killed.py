"""Processes that are killed by SIGKILL in the middle of an answer: what they leave behind.

    scripts/killed --rounds 50                      both engines, 50 times each
    scripts/killed --rounds 5 --engine nodriver

Counts the browser processes 5 s after the kill, and the temporary folders after the next start. Exits with 1
if there were any. Saves the rounds in out/killed.json.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console
from rich.progress import track
from rich.table import Table

from fixtures.site import StandIn
from huggingchat_agent.browser import process_tag
from tests.faults.results import describe_machine
from tests.quick import QUICK

if TYPE_CHECKING:
    from collections.abc import Iterable

ENGINES = ("playwright", "nodriver")
MOMENTS = ("while it starts", "signed in", "in an answer")
PATIENCE = 5.0  # seconds after the kill

PROGRAM = """
import asyncio, sys
from huggingchat_agent import HuggingChat

async def main():
    async with HuggingChat(via="page") as chat:
        await chat.login()
        print(chat._session.browser.tag, flush=True)
        conversation = await chat.new_conversation()
        conversation.on("started", lambda event: print("started", flush=True))
        await conversation.send("count 3000 every 10")

asyncio.run(main())
"""
NEXT = """
import asyncio
from huggingchat_agent import HuggingChat

async def main():
    async with HuggingChat():
        pass

asyncio.run(main())
"""


class Round(msgspec.Struct, kw_only=True):
    """One kill. `before` is how many processes the browser had, `processes` how many were left, `seconds` for
    how long, and `left` what the next start did not remove.
    """

    engine: str
    moment: str
    before: int
    processes: int
    seconds: float
    folders_at_once: int
    left: list[str]


def find_folders(place: Path) -> list[Path]:
    return [each for each in place.iterdir() if each.is_dir()]


def kill_once(site: StandIn, engine: str, home: Path, moment: str, chance: random.Random) -> Round:
    """Start a program, kill it at that moment, count, start another one, count again."""
    temporary = home / "tmp"
    temporary.mkdir(exist_ok=True)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HUGGINGCHAT_")},
        "HUGGINGCHAT_BASE_URL": site.url,
        "HUGGINGCHAT_ENGINE": engine,
        "HUGGINGCHAT_HOME": str(home / "state"),
        "HUGGINGCHAT_USERNAME": site.username,
        "HUGGINGCHAT_PASSWORD": site.password,
        "TMPDIR": str(temporary),
    }
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        tag = f"{process_tag.Owner.of(process.pid)}."  # how the tags of its browsers begin
        if moment == "while it starts":
            time.sleep(chance.uniform(0.5, 2.0))
        else:
            process.stdout.readline()
            if moment == "in an answer":
                process.stdout.readline()
        # What outlives a browser has no tag, so all of its processes are found before.
        before = [process_tag.Owner.of(each) for each in process_tag.find_processes(tag)]
        assert before or moment == "while it starts", "no browser was found before the kill"
        process.kill()
        began = time.monotonic()
        while (
            found := {each.process for each in before if each.alive}.union(process_tag.find_processes(tag))
        ) and time.monotonic() - began < PATIENCE:
            time.sleep(0.1)
        seconds = time.monotonic() - began
    at_once = len(find_folders(temporary))
    subprocess.run([sys.executable, "-c", NEXT], env=environment, check=True, timeout=60)
    left = find_folders(temporary)
    for each in left:  # it counts once
        shutil.rmtree(each, ignore_errors=True)
    process_tag.kill_processes(found)
    return Round(
        engine=engine,
        moment=moment,
        before=len(before),
        processes=len(found),
        seconds=seconds,
        folders_at_once=at_once,
        left=[each.name for each in left],
    )


def tabulate(rounds: Iterable[Round]) -> list[list[str]]:
    rows = []
    for engine in ENGINES:
        if ours := [each for each in rounds if each.engine == engine]:
            counts = ([each.before, each.processes, len(each.left)] for each in ours)
            sums = [sum(each) for each in zip(*counts, strict=True)]
            rows.append([engine, *map(str, (len(ours), *sums)), f"{max(each.seconds for each in ours):.1f}"])
    return rows


COLUMNS = (
    "engine",
    "kills",
    "processes before",
    "processes after 5 s",
    "folders after the next start",
    "longest, s",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="scripts/killed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=50, help="kills of each engine (default 50)")
    parser.add_argument("--engine", choices=ENGINES, help="this engine alone")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so many minutes")
    parser.add_argument("--moment", choices=MOMENTS, help="this moment alone")
    parser.add_argument("--seed", type=int, default=0, help="what draws the moments (default 0)")
    parser.add_argument("--json", type=Path, default=Path("out", "killed.json"), help="the file of rounds")
    given = parser.parse_args()
    engines = [given.engine] if given.engine else list(ENGINES)
    chance = random.Random(given.seed)
    console, rounds = Console(), []
    until = time.monotonic() + 60 * given.minutes
    todo = [engine for _ in range(given.rounds) for engine in engines]
    with StandIn(**QUICK) as site, tempfile.TemporaryDirectory() as home:
        try:
            for engine in track(todo, "kills", console=Console(stderr=True)):
                if time.monotonic() > until:
                    break
                rounds.append(
                    kill_once(site, engine, Path(home), given.moment or chance.choice(MOMENTS), chance)
                )
        except KeyboardInterrupt:
            console.print("Stopped before the end.")
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_bytes(msgspec.json.format(msgspec.json.encode(rounds), indent=1))
    table = Table(*COLUMNS, title=f"{signal.SIGKILL.name}, seed {given.seed}, {describe_machine()}")
    for row in tabulate(rounds):
        table.add_row(*row)
    console.print(table)
    sys.exit(any(each.processes or each.left for each in rounds))


if __name__ == "__main__":
    main()
