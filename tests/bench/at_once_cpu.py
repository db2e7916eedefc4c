"""Where the processors' time goes while 64 answers come in at the same time, by page over HTTP/2.

    scripts/at-once [--write docs/performance.md]

What a conversation costs, with an answer of one token, and what each further token costs, by process. The
site sends a sign of life every 100 ms, which counts with the tokens: on a busy machine there are more.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import os
import platform
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tests.bench.at_once import open_sides, send_all
from tests.bench.processes import spent_by_kind
from tests.bench.standin import open_site

if TYPE_CHECKING:
    from huggingchat_agent.choices import EngineName
    from tests.bench.at_once import Sides

COUNT, TOKENS, ROUNDS = 64, 50, 5
ENGINES: tuple[EngineName, ...] = ("playwright", "nodriver")
KINDS = ("Python", "driver", "browser", "renderer", "network", "stand-in")

# Many requests from one script: what they cost the browser without the agent.
FETCH_ALL = """(base, count) => Promise.all([...Array(count).keys()].map(async (number) =>
    (await fetch(`${base}/api/v2/models?n=${number}`)).text())).then(() => 0)"""


def since(before: dict[str, float], count: int) -> dict[str, float]:
    """CPU seconds for each of so many, by process."""
    now = spent_by_kind()
    return {kind: (now[kind] - before[kind]) / count for kind in KINDS}


async def measure_way(sides: Sides, via: Literal["raw", "page"], tokens: int) -> dict[str, float]:
    senders = await sides.make(COUNT, via, tokens)
    before = spent_by_kind()
    await send_all(senders, tokens=tokens)
    return since(before, COUNT)


async def measure_fetches(sides: Sides, *, reported: bool) -> dict[str, float]:
    """Requests of the page, and whether the browser reports them."""
    page = await sides.chat._session.tabs.get_shared()
    cdp = page._cdp  # type: ignore[attr-defined]
    await cdp.send("Network.enable" if reported else "Network.disable")
    before = spent_by_kind()
    await page.evaluate(FETCH_ALL, sides.chat.settings.base_url, COUNT, timeout=60)
    taken = since(before, COUNT)
    await cdp.send("Network.enable")
    return taken


async def measure(base_url: str, engine: EngineName) -> dict[str, dict[str, float]]:
    """By row, the median of each process. All rows take turns, after a round that does not count."""
    taken: dict[str, list[dict[str, float]]] = {}
    # A browser that is replaced meanwhile would take its time with it.
    async with open_sides(base_url, engine, browser_turns=0, browser_memory=0) as sides:
        for number in range(ROUNDS + 1):
            found = {}
            for via in ("raw", "page"):
                one, all_of = [await measure_way(sides, via, tokens) for tokens in (1, TOKENS)]
                found[f"{via}: a conversation, ms"] = {kind: 1e3 * one[kind] for kind in KINDS}
                further = {kind: 1e6 * (all_of[kind] - one[kind]) / (TOKENS - 1) for kind in KINDS}
                found[f"{via}: a further token, µs"] = further
            for reported in (False, True):
                row = f"a request of the page, {'reported' if reported else 'not reported'}, ms"
                cost = await measure_fetches(sides, reported=reported)
                found[row] = {kind: 1e3 * cost[kind] for kind in KINDS}
            for row, cost in found.items() if number else ():
                taken.setdefault(row, []).append(cost)
    return {
        row: {kind: statistics.median(each[kind] for each in costs) for kind in KINDS}
        for row, costs in taken.items()
    }


def table() -> list[str]:
    """Lines of Markdown."""
    lines = [f"| CPU time | {' | '.join(KINDS)} | all |", f"|{'---|' * (len(KINDS) + 2)}"]
    for engine in ENGINES:
        with open_site("--tls") as base_url:
            rows = asyncio.run(measure(base_url, engine))
        for row, cost in rows.items():
            digits = 0 if row.endswith("µs") else 1
            cells = [f"{max(each, 0.0):.{digits}f}" for each in (*cost.values(), sum(cost.values()))]
            lines.append(f"| {engine}: {row} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/at-once", description=__doc__)
    parser.add_argument("--write", type=Path, help="put the table between the marks of this file")
    arguments = parser.parse_args()
    lines = [
        *table(),
        "",
        f"{datetime.date.today()}, {os.cpu_count()} cores, {platform.machine()}, Python "
        f"{platform.python_version()}, median of {ROUNDS} rounds, load {os.getloadavg()[0]:.1f}.",
    ]
    shown = "\n".join(lines)
    if arguments.write:
        begin, end = "<!-- at once -->", "<!-- end of at once -->"
        head, _, rest = arguments.write.read_text().partition(begin)
        arguments.write.write_text(f"{head}{begin}\n{shown}\n{end}{rest.partition(end)[2]}")
    sys.stdout.write(f"{shown}\n")


if __name__ == "__main__":
    main()
