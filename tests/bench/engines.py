"""What each engine costs, and what a page can see of it, on the stand-in site.

    python -m tests.bench.engines [--rounds N] [--write docs/engines.md]

* start: from the call to a browser that can open a tab, in ms.
* first page: from the call to the app's page, parsed, in a new tab, in ms.
* first token: from the call of send to the first token in a callback, by page and by ui, in ms.
* memory: of all processes of browser and driver with the app's page open, in MB (Pss: what several
  processes share is counted once; without the Python program).
* marks: what scripts of a page see of being driven.

Each figure is the median over the rounds; the engines take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import importlib.metadata
import os
import platform
import socket
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat
from huggingchat_agent.browser import abilities
from huggingchat_agent.browser import load_engine as engine_named
from huggingchat_agent.settings import make_settings
from tests.persons import Persons

if TYPE_CHECKING:
    from huggingchat_agent.choices import EngineName, Via

ENGINES: tuple[EngineName, ...] = ("playwright", "nodriver")
WAYS: tuple[Via, ...] = ("page", "ui")
BUSY = 0.5  # load per core before the run, above which the machine was not quiet

# A console that somebody listens to reads what is logged, and so calls a getter on it.
MARKS = {
    "`navigator.webdriver`": "() => String(navigator.webdriver)",
    "user agent says Headless": "() => /Headless/.test(navigator.userAgent) ? 'yes' : 'no'",
    "brands say Headless": "() => (navigator.userAgentData?.brands ?? [])"
    ".some(each => /Headless/.test(each.brand)) ? 'yes' : 'no'",
    "a logged object is read (Runtime domain on)": """() => {
        let read = 'no'
        const trap = new Error()
        Object.defineProperty(trap, 'stack', {get: () => { read = 'yes'; return '' }})
        console.debug(trap)
        return new Promise(resolve => setTimeout(() => resolve(read), 300))
    }""",
    "names put into the page": """() => Object.getOwnPropertyNames(window)
        .filter(each => /playwright|cdc_|nodriver|__pw|webdriver/i.test(each)).join(', ') || 'none'""",
    "plugins": "() => String(navigator.plugins.length)",
    "window": "() => `${outerWidth} x ${outerHeight}, inside ${innerWidth} x ${innerHeight}`",
}


ELSEWHERE = "`navigator.webdriver` in a browser that we connect to"


class Figures:
    """By engine: lists of figures by name, and the marks."""

    def __init__(self) -> None:
        self.taken: dict[str, dict[str, list[float]]] = {each: defaultdict(list) for each in ENGINES}
        self.marks: dict[str, dict[str, str]] = {}
        self.browser = ""


def descendants() -> set[int]:
    """Ids of the processes below this one."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended meanwhile
            continue
    found, more = set(), {os.getpid()}
    while more:
        more = {process for process, parent in parents.items() if parent in more}
        found |= more
    return found


def memory(processes: set[int]) -> float:
    """Their proportional share of memory, in MB."""
    total = 0
    for process in processes:
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


async def measure(engine: EngineName, site: StandIn, figures: Figures, *, counts: bool) -> None:
    taken = figures.taken[engine] if counts else defaultdict(list)
    with tempfile.TemporaryDirectory() as home:
        before = descendants()
        chat = HuggingChat(
            engine=engine, base_url=site.url, home=home, username=site.username, password=site.password
        )
        start = time.perf_counter()
        browser: Any = await engine_named(engine).start(chat.settings, None)
        taken["start, ms"].append(1000 * (time.perf_counter() - start))
        start = time.perf_counter()
        page = await browser.new_page(lambda event: None)
        await page.goto(f"{site.url}/", timeout=30)
        taken["first page, ms"].append(1000 * (time.perf_counter() - start))
        await asyncio.sleep(1)  # no event says that the browser has all the memory it takes
        taken["memory, MB"].append(memory(descendants() - before))
        figures.marks[engine] = {
            name: str(await page.evaluate(script, timeout=10)) for name, script in MARKS.items()
        }
        figures.browser = browser.version
        start = time.perf_counter()
        await browser.close()
        taken["close, ms"].append(1000 * (time.perf_counter() - start))
        async with chat:
            await chat.login()
            conversation = await chat.new_conversation()
            for via in WAYS:
                await conversation.send("hello", via=via)
                arrived: list[float] = []
                start = time.perf_counter()
                reply = conversation.send("count 20 every 5", via=via)

                @reply.on("token")
                def note(event: object, arrived: list[float] = arrived) -> None:
                    arrived.append(time.perf_counter())

                await reply
                taken[f"first token by {via}, ms"].append(1000 * (arrived[0] - start))


async def connected(engine: EngineName) -> str:
    """The marks that our tab shows in a browser that somebody else has started."""
    with tempfile.TemporaryDirectory() as home, socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        held.close()
        async with Persons(Path(home), port) as persons:
            browser = await engine_named(engine).start(make_settings(connect=persons.address), None)
            page = await browser.new_page(lambda event: None)
            seen = await page.evaluate(MARKS["`navigator.webdriver`"], timeout=10)
            await browser.close()
            return str(seen)


def report(figures: Figures, rounds: int, load: float) -> str:
    """The tables in Markdown, with what they were taken on."""
    head = [f"| | {' | '.join(ENGINES)} |", "|---|---|---|"]
    cells = ["yes" if can else "no" for each in ENGINES for can in abilities.can(each).values()]
    size = len(abilities.ABILITIES)
    lines = [*head]
    for number, each in enumerate(abilities.ABILITIES):
        lines.append(f"| {each.meaning} | {cells[number]} | {cells[size + number]} |")
    lines += ["", *head]
    for name in figures.taken[ENGINES[0]]:
        row = [f"{statistics.median(figures.taken[each][name]):.0f}" for each in ENGINES]
        lines.append(f"| {name} | {' | '.join(row)} |")
    lines += ["", *head]
    for name in (*MARKS, ELSEWHERE):
        lines.append(f"| {name} | {' | '.join(figures.marks[each][name] for each in ENGINES)} |")
    versions = ", ".join(f"{each} {importlib.metadata.version(each)}" for each in ENGINES)
    cores = os.cpu_count() or 1
    quiet = "" if load < BUSY * cores else f" The machine was busy (load {load:.1f}): times are too long."
    lines += [
        "",
        f"{datetime.date.today()}, {cores} cores, {platform.machine()}, {platform.system()}, Python "
        f"{platform.python_version()}, {figures.browser}, headless; {versions}; median of {rounds} "
        f"rounds.{quiet}",
    ]
    return "\n".join(lines)


async def run(rounds: int) -> Figures:
    figures = Figures()
    async with StandIn() as site:
        for number in range(rounds + 1):  # the first warms up and does not count
            for engine in ENGINES:
                await measure(engine, site, figures, counts=number > 0)
    for engine in ENGINES:
        figures.marks[engine][ELSEWHERE] = await connected(engine)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/engines", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, help="put the tables between the marks of this file")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    tables = report(asyncio.run(run(arguments.rounds)), arguments.rounds, load)
    if arguments.write:
        begin, end = "<!-- figures -->", "<!-- end of figures -->"
        head, _, rest = arguments.write.read_text().partition(begin)
        arguments.write.write_text(f"{head}{begin}\n{tables}\n{end}{rest.partition(end)[2]}")
    Console(width=160, markup=False, highlight=False).print(tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())
