"""How much the browser costs: raw HTTP, page and ui in turn, on the stand-in site.

    python -m tests.bench [--rounds N] [--engine NAME] [--write FILE]

* first token: from the call of send to the first token in a callback, in ms.
* per token: from the stand-in writing a token to the callback having it, at 20 ms a token, in ms.
* burst: from the call of send to the last of 8,000 tokens in a callback, in ms.
* replays: 100 tests of two turns each, from a tape, the start of pytest included, in s.
* ceiling: the stand-in's burst thrown away unread, in ms. Where that is not far below the others
  (a fifth of page), the stand-in is what was measured.

Each figure is the median over the rounds, page and ui and raw taking turns within a round.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import importlib.metadata
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from huggingchat_agent import HuggingChat
from tests.bench import replays
from tests.raw import Raw

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from huggingchat_agent.choices import Via

    # Sends a prompt, calls back per token, returns when the last was handed over.
    Send = Callable[[str, Callable[[str], None]], Awaitable[None]]

HOWS = ("raw", "page", "ui")
BURST = 8000
PACED = 100
PACE_MS = 20


class Figures:
    """Seconds, by how it was sent."""

    def __init__(self) -> None:
        self.first: dict[str, list[float]] = {how: [] for how in HOWS}
        self.latency: dict[str, list[float]] = {how: [] for how in HOWS}
        self.burst: dict[str, list[float]] = {how: [] for how in HOWS}
        self.ceiling: list[float] = []


async def paced(send: Send, figures: Figures, how: str) -> None:
    first = 0.0
    start = time.perf_counter()

    def on_token(text: str) -> None:
        nonlocal first
        now, seen = time.time(), time.perf_counter()
        first = first or seen - start
        number, _, sent = text.strip().partition("@")
        if number.isdigit() and sent:
            figures.latency[how].append(now - float(sent))

    await send(f"count {PACED} every {PACE_MS}", on_token)
    figures.first[how].append(first)


async def burst(send: Send, figures: Figures, how: str) -> None:
    count = 0
    last = 0.0
    start = time.perf_counter()

    def on_token(text: str) -> None:
        nonlocal count, last
        count += 1
        last = time.perf_counter()

    await send(f"burst {BURST}", on_token)
    assert count >= BURST, f"{how}: {count} tokens of {BURST}"
    figures.burst[how].append(last - start)


async def measure(base_url: str, engine: str, rounds: int) -> tuple[Figures, str]:
    figures = Figures()
    with tempfile.TemporaryDirectory() as home, Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("measuring", total=rounds * len(HOWS))
        chat = HuggingChat(
            base_url=base_url, engine=engine, home=home, username="ada", password="correct horse"
        )
        async with chat:
            await chat.login()
            cookies = {each["name"]: each["value"] for each in (await chat._session.read_state())["cookies"]}
            model = (await chat.models())[0].id
            async with Raw(base_url, cookies) as raw:

                def sender(how: str, conversation_id: str) -> Send:
                    async def by_raw(prompt: str, on_token: Callable[[str], None]) -> None:
                        await raw.send(conversation_id, prompt, on_token)

                    async def by_agent(prompt: str, on_token: Callable[[str], None]) -> None:
                        via: Via = "ui" if how == "ui" else "page"
                        reply = chat.conversation(conversation_id).send(prompt, via=via)
                        reply.on("token", lambda event: on_token(event.text))
                        await reply

                    return by_raw if how == "raw" else by_agent

                # By ui last: its tabs stay, and render what they were told while others are measured.
                for hows in (("raw", "page"), ("ui",)):
                    for number in range(rounds + 1):  # the first warms up and does not count
                        taken = figures if number else Figures()
                        for how in hows:
                            send = sender(how, await raw.create(model))
                            await send("hello", lambda text: None)
                            await paced(send, taken, how)
                            await burst(send, taken, how)
                            if number:
                                progress.advance(task)
                for _ in range(rounds):
                    figures.ceiling.append(await raw.drink(await raw.create(model), f"burst {BURST}"))
            assert chat._session.browser is not None
            return figures, chat._session.browser.version


async def recorded(base_url: str, engine: str, rounds: int) -> Figures:
    """The same by page while the session is recorded."""
    figures = Figures()
    with tempfile.TemporaryDirectory() as home:
        chat = HuggingChat(
            base_url=base_url,
            engine=engine,
            home=home,
            username="ada",
            password="correct horse",
            record=Path(home, "bench.tape"),
        )
        async with chat:
            await chat.login()
            talk = await chat.new_conversation()

            async def send(prompt: str, on_token: Callable[[str], None]) -> None:
                reply = talk.send(prompt, via="page")
                reply.on("token", lambda event: on_token(event.text))
                await reply

            for number in range(rounds + 1):  # the first warms up and does not count
                taken = figures if number else Figures()
                await paced(send, taken, "page")
                await burst(send, taken, "page")
                talk = await chat.new_conversation()
    return figures


def report(figures: Figures, taped: Figures, browser: str, engine: str, rounds: int, replayed: float) -> str:
    """The figures as a Markdown table, with what they were taken on."""

    def ms(values: list[float], part: float = 0.5) -> float:
        ordered = sorted(values)
        return 1000 * (
            statistics.median(ordered)
            if part == 0.5
            else ordered[min(int(part * len(ordered)), len(ordered) - 1)]
        )

    rows: list[tuple[str, dict[str, float]]] = [
        ("first token, ms", {how: ms(figures.first[how]) for how in HOWS}),
        ("per token p50, ms", {how: ms(figures.latency[how]) for how in HOWS}),
        ("per token p99, ms", {how: ms(figures.latency[how], 0.99) for how in HOWS}),
        (f"burst of {BURST:,}, ms", {how: ms(figures.burst[how]) for how in HOWS}),
    ]
    lines = [
        "| | raw | page | ui | page - raw | page / raw | ui - raw | ui / raw |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, by in rows:
        raw, page, ui = (by[how] for how in HOWS)
        lines.append(
            f"| {name} | {raw:.1f} | {page:.1f} | {ui:.1f} | {page - raw:+.1f} | {page / raw:.2f} "
            f"| {ui - raw:+.1f} | {ui / raw:.2f} |"
        )
    ceiling = ms(figures.ceiling)
    page = ms(figures.burst["page"])
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("playwright", "nodriver", "aiohttp", "hypercorn")
    )
    lines += [
        "",
        f"The stand-in's own burst, thrown away unread: {ceiling:.1f} ms, {page / ceiling:.1f} times faster "
        "than page.",
        "",
        f"By page while the session is recorded: first token {ms(taped.first['page']):.1f} ms, per token p50 "
        f"{ms(taped.latency['page']):.1f} ms and p99 {ms(taped.latency['page'], 0.99):.1f} ms, burst "
        f"{ms(taped.burst['page']):.1f} ms.",
        "",
        f"{replays.COUNT} tests of two turns each, replayed by pytest without a browser: {replayed:.1f} s.",
        "",
        f"{datetime.date.today()}, {os.cpu_count()} cores, {platform.machine()}, {platform.system()}, "
        f"Python {platform.python_version()}, {browser}, engine {engine}; {versions}; "
        f"median of {rounds} rounds.",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--engine", default="playwright")
    parser.add_argument("--write", type=Path, help="put the table between the marks of this file")
    arguments = parser.parse_args()
    with subprocess.Popen(
        [sys.executable, "-m", "fixtures.site", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as site:
        try:
            assert site.stdout is not None
            base_url = site.stdout.readline().split()[-1]
            figures, browser = asyncio.run(measure(base_url, arguments.engine, arguments.rounds))
            taped = asyncio.run(recorded(base_url, arguments.engine, arguments.rounds))
        finally:
            site.terminate()
    replayed = replays.measure()
    table = report(figures, taped, browser, arguments.engine, arguments.rounds, replayed)
    if arguments.write:
        begin, end = "<!-- figures -->", "<!-- end of figures -->"
        head, _, rest = arguments.write.read_text().partition(begin)
        tail = rest.partition(end)[2]
        arguments.write.write_text(f"{head}{begin}\n{table}\n{end}{tail}")
    Console(width=160, markup=False, highlight=False).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
