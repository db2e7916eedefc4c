"""One process that sends many messages: what memory Python, the driver and the browser have after each.

    scripts/long-life                                     1,000 messages, half of them by ui, half by page
    scripts/long-life --turns 200 --engine nodriver       another engine, fewer of them
    scripts/long-life --plot docs/long-life.svg           draw the line, too

Answers are short, and a conversation has 20 messages. The samples are saved in out/long-life.json.
The slope is that of a straight line through the samples after the first tenth. The stand-in has a
process of its own. Exits with 1 if an answer was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from statistics import linear_regression
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat
from huggingchat_agent.browser import memory, process_tag
from tests.faults.results import Made, describe_run, make_progress
from tests.quick import QUICK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection

PROMPT, TEXT = "count 5 every 1 in emoji", "0👍 1👍 2👍 3👍 4👍"
PER_CONVERSATION = 20  # messages
EVERY = 10  # messages between two samples
WARM_UP = 0.1  # of the samples, which the slope leaves out
PARTS = ("python", "driver", "browser")
COLORS = {"python": "#2a7", "driver": "#c60", "browser": "#36c"}


class Sample(msgspec.Struct, kw_only=True):
    """MiB (proportional set size) after so many turns. nodriver has no driver process. `pages` is the part of
    `browser` that its renderers have.
    """

    turns: int
    seconds: float
    python: float
    driver: float
    browser: float
    pages: float = 0.0


class Results(Made, kw_only=True):
    """All samples of a run, and where it was made."""

    engine: str
    samples: list[Sample] = []
    recycled: list[dict[str, Any]] = []
    wrong: int = 0


def take_sample(browser: Any, turns: int, began: float) -> Sample:
    driver = getattr(browser, "_driver", None)
    processes = process_tag.find_processes(browser.tag)
    return Sample(
        turns=turns,
        seconds=round(time.monotonic() - began, 1),
        python=round(memory.measure([os.getpid()]), 1),
        driver=round(memory.measure([driver.pid]) if driver is not None else 0.0, 1),
        browser=round(memory.measure(processes), 1),
        pages=round(memory.measure([each for each in processes if _is_renderer(each)]), 1),
    )


def _is_renderer(process: int) -> bool:
    try:
        return b"--type=renderer" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:  # it ended meanwhile
        return False


class Site(NamedTuple):
    """A stand-in, in another process so that its memory is not counted."""

    url: str
    username: str
    password: str

    @property
    def settings(self) -> dict[str, Any]:
        """Those of a chat that signs in there."""
        return {
            "base_url": self.url,
            "username": self.username,
            "password": self.password,
        }


def _keep_site(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this
    with StandIn(**QUICK) as site:
        pipe.send((site.url, site.username, site.password))
        with contextlib.suppress(EOFError):
            pipe.recv()


@contextlib.contextmanager
def open_site() -> Iterator[Site]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_keep_site, args=(theirs,))
    process.start()
    theirs.close()
    try:
        yield Site(*ours.recv())
    finally:
        ours.close()
        process.join()


async def run(
    results: Results, site: Site, turns: int, settings: dict[str, Any], done: Callable[[], object]
) -> None:
    """Send the messages, one after the other, by ui and by page in turns."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        async with HuggingChat(engine=results.engine, home=home, **site.settings, **settings) as chat:
            chat.on("recycled", lambda event: results.recycled.append(msgspec.to_builtins(event)))
            await chat.login()
            conversation = await chat.new_conversation()
            for number in range(turns):
                if number and number % PER_CONVERSATION == 0:
                    await conversation.delete()
                    conversation = await chat.new_conversation()
                answer = await conversation.send(PROMPT, via=("ui", "page")[number % 2])
                results.wrong += answer.text.rstrip() != TEXT
                if (number + 1) % EVERY == 0:
                    browser = chat._session.browser
                    results.samples.append(await asyncio.to_thread(take_sample, browser, number + 1, began))
                done()


def measure_slope(samples: Sequence[Sample], part: str) -> float:
    """MiB for each 1,000 turns, without the first samples."""
    steady = samples[int(len(samples) * WARM_UP) :]
    if len(steady) < 2:
        return 0.0
    found = linear_regression([each.turns for each in steady], [getattr(each, part) for each in steady])
    return 1000 * found.slope


def tabulate(results: Results) -> list[list[str]]:
    """Columns: part, first, last and highest MiB, slope."""
    rows = []
    for part in PARTS:
        values = [getattr(each, part) for each in results.samples]
        if any(values):
            figures = (values[0], values[-1], max(values), measure_slope(results.samples, part))
            rows.append([part, *(f"{each:.0f}" for each in figures)])
    return rows


COLUMNS = ("process", "after the first 10 turns", "at the end", "highest", "slope per 1,000 turns")


def draw(samples: Sequence[Sample], title: str) -> str:
    """The lines of memory as SVG."""
    width, height, left, right, top = 740, 300, 50, 30, 30
    last = max(each.turns for each in samples)
    most = max(getattr(each, part) for each in samples for part in PARTS) * 1.1

    def place(turns: float, value: float) -> str:
        x = left + turns / last * (width - left - right)
        y = top + (1 - value / most) * (height - 60)
        return f"{x:.1f},{y:.1f}"

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{left}" y="16">{title}</text>',
    ]
    for step in range(5):
        value = most * step / 4
        x, y = place(0, value).split(",")
        lines.append(f'<line x1="{x}" y1="{y}" x2="{width - right}" y2="{y}" stroke="#ddd"/>')
        lines.append(f'<text x="{left - 6}" y="{y}" text-anchor="end">{value:.0f}</text>')
        at = place(last * step / 4, 0).split(",")[0]
        lines.append(f'<text x="{at}" y="{height - 12}" text-anchor="middle">{last * step / 4:,.0f}</text>')
    for number, part in enumerate(PARTS):
        points = " ".join(place(each.turns, getattr(each, part)) for each in samples)
        if any(getattr(each, part) for each in samples):
            lines.append(
                f'<polyline points="{points}" fill="none" stroke="{COLORS[part]}" stroke-width="2"/>'
            )
            x = str(width - 230 + 75 * number)
            lines.append(f'<text x="{x}" y="{top + 8}" fill="{COLORS[part]}">{part}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="scripts/long-life", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=1000, help="how many messages (default 1000)")
    parser.add_argument("--engine", choices=("playwright", "nodriver"), default="playwright")
    parser.add_argument("--minutes", type=float, help="stop after so many minutes")
    parser.add_argument("--browser-turns", type=int, help="the setting; 0 shows what grows")
    parser.add_argument(
        "--json", type=Path, default=Path("out", "long-life.json"), help="the file of samples"
    )
    parser.add_argument("--plot", type=Path, help="an SVG file to write")
    given = parser.parse_args()
    results = Results(engine=given.engine, **describe_run("playwright", "nodriver"))
    settings = {} if given.browser_turns is None else {"browser_turns": given.browser_turns}
    progress = make_progress()

    async def work(site: Site, done: Callable[[], object]) -> None:
        async with asyncio.timeout(60 * given.minutes if given.minutes is not None else None):
            await run(results, site, given.turns, settings, done)

    with open_site() as site, progress:
        task = progress.add_task(f"turns, {given.engine}", total=given.turns)
        try:
            asyncio.run(work(site, lambda: progress.advance(task)))
        except (KeyboardInterrupt, TimeoutError):
            progress.console.print("Stopped before the end.")
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1))
    if not results.samples:
        sys.exit("No sample was taken.")
    table = Table(
        *COLUMNS, title=f"MiB, {results.samples[-1].turns} turns, {results.engine}, {results.machine}"
    )
    for row in tabulate(results):
        table.add_row(*row)
    console = Console()
    console.print(table)
    console.print(f"{len(results.recycled)} times replaced, {results.wrong} answers wrong")
    if given.plot:
        last = results.samples[-1].turns
        title = f"MiB of memory over {last:,} turns, {results.engine}, {results.machine}, {results.date}"
        given.plot.write_text(draw(results.samples, title))
    sys.exit(bool(results.wrong))


if __name__ == "__main__":
    main()
