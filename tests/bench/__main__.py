"""How much the browser costs: raw HTTP, page and ui in turn, on the stand-in site or on another app.

    python -m tests.bench [--rounds N] [--engine NAME] [--app URL] [--write FILE] [--json FILE]

* first token: from the call of send to the first token in a callback, in ms.
* per token: from the server writing a token to the callback having it, at 20 ms a token, in ms.
* burst: from the call of send to the last of 8,000 tokens in a callback, in ms.
* CPU: of this process (where raw and agent run), and with all browsers and drivers, for 10,000 tokens.
* recorded: by page, in a second session that is recorded. The two take turns.
* by hand: Playwright fills in the page, presses Enter, and polls the text that the page shows.
* from the shell: a command from its start to its end, with a browser of its own or in a warm session, in s.
* replays: 100 tests of two turns each, from a tape, the start of pytest included, in s.
* ceiling: the stand-in's burst thrown away unread, in ms. Where that is not far below the others
  (a fifth of page), the stand-in is what was measured.

Each figure is the median over the rounds, and all of them take turns within a round.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress

from huggingchat_agent import HuggingChat
from tests.bench import doors, replays, shell
from tests.bench.by_hand import by_hand
from tests.bench.processes import megabytes, spent
from tests.raw import Raw

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from huggingchat_agent.choices import EngineName, Via

    # Sends a prompt, calls back per token, returns when the last was handed over.
    Send = Callable[[str, Callable[[str], None]], Awaitable[None]]

HOWS = ("raw", "page", "recorded", "ui", "by hand")
BURST = 8000
PACED = 100
PACE_MS = 20
REST = 0.5  # seconds


class Figures:
    """Seconds, by how it was sent; CPU seconds for 10,000 tokens, of Python and of all processes."""

    def __init__(self) -> None:
        self.first: dict[str, list[float]] = {how: [] for how in HOWS}
        self.latency: dict[str, list[float]] = {how: [] for how in HOWS}
        self.burst: dict[str, list[float]] = {how: [] for how in HOWS}
        self.python: dict[str, list[float]] = {how: [] for how in HOWS}
        self.processes: dict[str, list[float]] = {how: [] for how in HOWS}
        self.memory: list[float] = []  # MB for each further conversation by ui
        self.ceiling: list[float] = []

    def as_json(self) -> str:
        return json.dumps({"unit": "s, memory in MB", **vars(self)})


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


async def measure(base_url: str, engine: EngineName, rounds: int, app: bool) -> tuple[Figures, str]:
    """Of an app other than the stand-in, with the account of the environment, there is no ceiling."""
    figures = Figures()
    account: dict[str, Any] = {"base_url": base_url, "engine": engine}
    if not app:
        account |= {"username": "ada", "password": "correct horse"}
    async with contextlib.AsyncExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        progress = stack.enter_context(Progress(console=Console(stderr=True)))
        task = progress.add_task("measuring", total=rounds * len(HOWS))
        chat = await stack.enter_async_context(HuggingChat(**account, home=Path(home, "one")))
        await chat.login()
        tape = Path(home, "bench.tape")
        taped = await stack.enter_async_context(HuggingChat(**account, home=Path(home, "two"), record=tape))
        await taped.login()
        state = await chat._session.read_state()
        cookies = {each["name"]: each["value"] for each in state["cookies"]}
        model = (await chat.models())[0].id
        raw = await stack.enter_async_context(Raw(base_url, cookies))
        assert chat._session.browser is not None
        hand = await stack.enter_async_context(by_hand(chat._session.browser._path, state))  # type: ignore[attr-defined]

        async def make_sender(how: str, conversation_id: str) -> Send:
            async def by_raw(prompt: str, on_token: Callable[[str], None]) -> None:
                await raw.send(conversation_id, prompt, on_token)

            async def by_agent(prompt: str, on_token: Callable[[str], None]) -> None:
                via: Via = "ui" if how == "ui" else "page"
                reply = (
                    (taped if how == "recorded" else chat).conversation(conversation_id).send(prompt, via=via)
                )
                reply.on("token", lambda event: on_token(event.text))
                await reply

            async def in_page(prompt: str, on_token: Callable[[str], None]) -> None:
                numbers = {"hello": 0, f"count {PACED} every {PACE_MS}": PACED, f"burst {BURST}": BURST}
                await hand.send(prompt, numbers[prompt], on_token)

            if how == "by hand":
                await hand.open(f"{base_url}/conversation/{conversation_id}")
            return {"raw": by_raw, "by hand": in_page}.get(how, by_agent)

        # In the page last: its tabs stay, and render what they were told while others are measured.
        for hows in (("raw", "page", "recorded"), ("ui", "by hand")):
            for number in range(rounds + 1):  # the first warms up and does not count
                taken = figures if number else Figures()
                for how in hows:
                    before_tab = megabytes()
                    send = await make_sender(how, await raw.create(model))
                    if how != "by hand":
                        await send("hello", lambda text: None)
                    if how == "ui":
                        taken.memory.append(megabytes() - before_tab)
                    before = spent()
                    await paced(send, taken, how)
                    await burst(send, taken, how)
                    if how == "recorded":
                        await asyncio.sleep(REST)  # its tape is written meanwhile
                    took = spent().since(before)
                    taken.python[how].append(took.python * 10_000 / (PACED + BURST))
                    taken.processes[how].append(took.every * 10_000 / (PACED + BURST))
                    if number:
                        progress.advance(task)
        for _ in range(0 if app else rounds):
            figures.ceiling.append(await raw.drink(await raw.create(model), f"burst {BURST}"))
        return figures, chat._session.browser.version


def report(
    figures: Figures,
    browser: str,
    engine: str,
    rounds: int,
    replayed: float | None,
    commands: list[str],
) -> str:
    """The figures as a Markdown table, with what they were taken on."""

    def part_of(values: list[float], part: float = 0.5) -> float:
        ordered = sorted(values)
        if part == 0.5:
            return statistics.median(ordered)
        return ordered[min(int(part * len(ordered)), len(ordered) - 1)]

    rows: list[tuple[str, float, dict[str, list[float]], float]] = [
        ("first token, ms", 1000, figures.first, 0.5),
        ("per token p50, ms", 1000, figures.latency, 0.5),
        ("per token p99, ms", 1000, figures.latency, 0.99),
        (f"burst of {BURST:,}, ms", 1000, figures.burst, 0.5),
        ("CPU of Python, s per 10,000 tokens", 1, figures.python, 0.5),
        ("CPU of all processes, s per 10,000 tokens", 1, figures.processes, 0.5),
    ]
    lines = [
        f"| | {' | '.join(HOWS)} | page / raw | recorded / page | ui / raw | ui / by hand |",
        f"|{'---|' * (len(HOWS) + 5)}",
    ]
    for name, unit, by, part in rows:
        cells = {how: unit * part_of(by[how], part) for how in HOWS}
        ratios = [("page", "raw"), ("recorded", "page"), ("ui", "raw"), ("ui", "by hand")]
        shown = [f"{cells[how]:.{1 if unit > 1 else 2}f}" for how in HOWS]
        shown += [f"{cells[one] / max(cells[other], 1e-9):.2f}" for one, other in ratios]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    spread = sorted(
        on / off for on, off in zip(figures.burst["recorded"], figures.burst["page"], strict=True)
    )
    lines += [
        "",
        f"Burst recorded / page, by round: {', '.join(f'{each:.2f}' for each in spread)}.",
        "",
        f"A further conversation by ui takes {statistics.median(figures.memory):.0f} MB (Pss).",
    ]
    if figures.ceiling:
        ceiling, page = part_of(figures.ceiling), part_of(figures.burst["page"])
        lines += [
            "",
            f"The stand-in's own burst, thrown away unread: {1000 * ceiling:.1f} ms, {page / ceiling:.1f} "
            "times faster than page.",
        ]
    if replayed is not None:
        lines += [
            "",
            f"{replays.COUNT} tests of two turns each, replayed by pytest without a browser: "
            f"{replayed:.1f} s.",
        ]
    if commands:
        lines += ["", *commands]
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("playwright", "nodriver", "aiohttp", "hypercorn")
    )
    lines += [
        "",
        f"{datetime.date.today()}, {os.cpu_count()} cores, {platform.machine()}, {platform.system()}, "
        f"Python {platform.python_version()}, {browser}, engine {engine}; {versions}; "
        f"median of {rounds} rounds; load {os.getloadavg()[0]:.1f}.",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--engine", default="playwright", choices=("playwright", "nodriver"))
    parser.add_argument("--app", metavar="URL", help="another app, with HUGGINGCHAT_USERNAME and _PASSWORD")
    parser.add_argument("--write", type=Path, help="put the table between the marks of this file")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    arguments = parser.parse_args()
    engine, rounds = arguments.engine, arguments.rounds
    if arguments.app:
        figures, browser = asyncio.run(measure(arguments.app, engine, rounds, app=True))
        replayed, commands = None, []
    else:
        with subprocess.Popen(
            [sys.executable, "-m", "fixtures.site", "--port", "0"], stdout=subprocess.PIPE, text=True
        ) as site:
            try:
                assert site.stdout is not None
                base_url = site.stdout.readline().split()[-1]
                figures, browser = asyncio.run(measure(base_url, engine, rounds, app=False))
                commands = shell.report(shell.measure(base_url, rounds))
                commands += ["", doors.report(*asyncio.run(doors.measure(base_url, 10 * rounds)))]
            finally:
                site.terminate()
        replayed = replays.measure()
    table = report(figures, browser, engine, rounds, replayed, commands)
    if arguments.json:
        arguments.json.write_text(figures.as_json())
    if arguments.write:
        begin, end = "<!-- figures -->", "<!-- end of figures -->"
        head, _, rest = arguments.write.read_text().partition(begin)
        tail = rest.partition(end)[2]
        arguments.write.write_text(f"{head}{begin}\n{table}\n{end}{tail}")
    Console(width=200, markup=False, highlight=False).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
