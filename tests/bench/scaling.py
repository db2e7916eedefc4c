"""What a browser costs where there are several: the figures under the model of docs/scaling.md.

    scripts/scaling --write docs/scaling.md

One program opens some browsers after each other, each signed in by a saved session, and asks in all of them
at once, by page: 200 tokens, 20 ms apart, six at a time in each. The stand-in runs in another process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, get_args

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat, batch
from huggingchat_agent.choices import EngineName
from tests.bench.engines import memory
from tests.bench.processes import megabytes, spent
from tests.faults.results import Made, describe_run
from tests.signed_in import save_session

BROWSERS = 3
ANSWERS = 24  # of each browser
AT_ONCE = 6  # as many connections as a browser has over HTTP/1.1
PROMPT = "count 200 every 20"

MODEL_AT_ONCE = 4
MODEL_SECONDS = 10  # of an answer


async def measure(engine: str, base_url: str, homes: list[Path]) -> dict[str, float]:
    """The figures of one engine, in this process. Memory is in MB (Pss), times are seconds of a processor."""
    bare = memory({os.getpid()})
    before = spent()
    async with AsyncExitStack() as stack:
        chats, sizes = [], []
        for home in homes:
            given: dict[str, Any] = {"engine": engine, "base_url": base_url, "home": home}
            chats.append(await stack.enter_async_context(HuggingChat(**given)))
            await chats[-1].login()
            sizes.append(megabytes() + memory({os.getpid()}) - bare)
        started = spent()

        async def ask(chat: HuggingChat) -> int:
            found = [each async for each in batch([PROMPT] * ANSWERS, chat=chat, concurrency=AT_ONCE)]
            assert all(each.error is None for each in found), [each.error for each in found]
            return len(found)

        begun = time.monotonic()
        answered = sum(await asyncio.gather(*map(ask, chats)))
        seconds = time.monotonic() - begun
        asked = spent()
        size = megabytes() + memory({os.getpid()}) - bare
    return {
        "first": sizes[0],
        "further": (sizes[-1] - sizes[0]) / (len(sizes) - 1),
        "conversation": (size - sizes[-1]) / answered,
        "start": started.since(before).every / len(homes),
        "answer": asked.since(started).every / answered,
        "per minute": 60 * answered / seconds,
    }


def model(figures: dict[str, float]) -> list[str]:
    """What many browsers take, each in a process of its own: a table that is computed, not measured."""
    head = "browsers | answers a minute | memory, GB | processors, busy | processor-minutes to start them"
    lines = [f"| {head} |", "|---|---|---|---|---|"]
    for count in (1, 10, 100, 1000):
        answers = count * MODEL_AT_ONCE * 60 / MODEL_SECONDS
        cells = (
            f"{count:,}",
            f"{answers:,.0f}",
            f"{count * figures['first'] / 1024:,.1f}",
            f"{answers / 60 * figures['answer']:,.1f}",
            f"{count * figures['start'] / 60:,.1f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def report(found: dict[str, dict[str, float]], made: Made) -> str:
    """The figures as a table of Markdown."""
    rows = {
        "first browser, its driver and Python, MB": "first",
        "a further browser in the same process, MB": "further",
        "a further conversation in the same tab, MB": "conversation",
        "start and sign-in by a saved session, s of a processor": "start",
        "an answer of 200 tokens by page, s of a processor": "answer",
        f"answers a minute, {BROWSERS} browsers with {AT_ONCE} at a time": "per minute",
    }
    lines = [f"| | {' | '.join(found)} |", f"|---|{'---|' * len(found)}"]
    for title, name in rows.items():
        lines.append(f"| {title} | {' | '.join(f'{each[name]:.2f}' for each in found.values())} |")
    versions = ", ".join(f"{name} {number}" for name, number in made.versions.items())
    load = os.getloadavg()[0]
    where = f"Measured {made.date}, {made.machine}, {versions}; load {load:.1f}."
    assumed = f"{MODEL_AT_ONCE} answers at a time in each browser, {MODEL_SECONDS} s each"
    heading = f"Model, engine playwright, {assumed}:"
    return "\n".join([*lines, "", where, "", heading, "", *model(found["playwright"])])


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/scaling", description=__doc__)
    parser.add_argument("--write", type=Path, help="put the table between the marks of this file")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)  # engine, address and folder, for a child
    arguments = parser.parse_args()
    if arguments.one:
        engine, base_url, folder, count = arguments.one
        homes = [Path(folder) / str(n) for n in range(int(count))]
        print(json.dumps(asyncio.run(measure(engine, base_url, homes))))  # noqa: T201
        return 0
    found = {}
    for engine in get_args(EngineName):
        with StandIn() as site, tempfile.TemporaryDirectory() as folder:
            for n in range(BROWSERS):
                save_session(site, Path(folder) / str(n))
            command = [sys.executable, "-m", "tests.bench.scaling", "--one", engine, site.url, folder]
            done = subprocess.run([*command, str(BROWSERS)], check=True, stdout=subprocess.PIPE)
            found[engine] = json.loads(done.stdout)
    table = report(found, Made(**describe_run("playwright", "nodriver")))
    if arguments.write:
        begin, end = "<!-- figures -->", "<!-- end of figures -->"
        head, _, rest = arguments.write.read_text().partition(begin)
        arguments.write.write_text(f"{head}{begin}\n{table}\n{end}{rest.partition(end)[2]}")
    print(table)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
