"""How much the browser costs: raw HTTP, page and ui in turn, on the stand-in site or on another app.

    python -m tests.bench [--rounds N] [--engine NAME] [--ways NAME ...] [--app URL]
                          [--write FILE] [--json FILE] [--plot FILE]

Without an engine, both are measured. It takes about fifteen minutes on a quiet machine. With --ways, only
messages one after the other are measured, and only in these ways.

* first token: from the call of send to the first token in a callback, in ms.
* per token: from the server writing a token to the callback having it, at 20 ms a token, in ms.
* burst: from the call of send to the last of 8,000 tokens in a callback, in ms. Another app has to have a
  scripted model as the stand-in has: `count N every MILLISECONDS`, each token with the time when it was sent.
* CPU: of this process (where raw and agent run), and with all browsers and drivers, for 10,000 tokens.
* recorded: by page, in a second session that is recorded. The two take turns.
* fill: Playwright fills in the tab that ui uses and presses Enter. The agent hands over the tokens. Only with
  the engine playwright.
* by hand: Playwright does the same in a browser of its own, and polls the text that the page shows.
* from the shell: a command from its start to its end, with a browser of its own or in a warm session, in s.
* replays: 100 tests of two turns each, from a tape, the start of pytest included, in s.
* at once: many conversations at the same time (`at_once`), over HTTP/2 on the stand-in.
* cold start: `ask` beside a browser and a page that are only opened (`cold`).
* decode and emit: what a token costs this process, without a browser (`cpu`).
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
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from rich.console import Console
from rich.progress import Progress

from huggingchat_agent import HuggingChat
from huggingchat_agent.choices import EngineName
from tests.bench import at_once, bars, cold, cpu, doors, goals, replays, shell
from tests.bench.by_hand import by_hand, fill_and_press, find_page, wait_until_shown
from tests.bench.processes import spent
from tests.bench.standin import open_site
from tests.bench.tables import HOWS, Figures, find_cells, report
from tests.bench.welcome import close_welcome
from tests.live import own_account
from tests.raw import Raw

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from huggingchat_agent.choices import Via

    # Sends a prompt, calls back per token, returns when the last was handed over.
    Send = Callable[[str, Callable[[str], None]], Awaitable[None]]

BURST = 8000
PACED = 100
PACE_MS = 20
LOOK = 0.02  # seconds
LAST = ("ui", "fill", "by hand")  # their pages stay open, and render while others are measured
ENGINES: tuple[EngineName, ...] = get_args(EngineName)

# Of the file that gets the tables.
MARKS = ("figures", "end of figures")
APP_MARKS = ("real app", "end of real app")


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


async def burst(send: Send, figures: Figures, how: str, prompt: str) -> None:
    count = 0
    last = 0.0
    start = time.perf_counter()

    def on_token(text: str) -> None:
        nonlocal count, last
        count += 1
        last = time.perf_counter()

    await send(prompt, on_token)
    assert count >= BURST, f"{how}: {count} tokens of {BURST}"
    figures.burst[how].append(last - start)


async def wait_until_written(chat: HuggingChat) -> None:
    """Wait until the tape's thread, which writes after the burst, has nothing to do."""
    writer = chat._recorder._writer  # type: ignore[union-attr]
    assert writer is not None
    while writer.waiting or not writer._asleep:  # noqa: ASYNC110  # the thread has no event for that
        await asyncio.sleep(LOOK)


async def measure(
    base_url: str, engine: EngineName, rounds: int, app: bool, ways: Sequence[str] = HOWS
) -> tuple[Figures, str]:
    """Of an app other than the stand-in, with the account of the environment, there is no ceiling."""
    figures = Figures()
    # The stand-in has its burst ready, so that making it takes no time.
    burst_prompt = f"count {BURST} every 0" if app else f"burst {BURST}"
    account: dict[str, Any] = {"base_url": base_url, "engine": engine}
    if not app:
        account |= {"username": "ada", "password": "correct horse"}
    async with contextlib.AsyncExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        progress = stack.enter_context(Progress(console=Console(stderr=True)))
        hows = [how for how in HOWS if how in ways and (how != "fill" or engine == "playwright")]
        task = progress.add_task("measuring", total=rounds * len(hows))
        async with HuggingChat(**account, home=Path(home, "one")) as chat:  # its tab by ui ends with it
            await chat.login()
            await close_welcome(chat)
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

            async def by_fill(prompt: str, on_token: Callable[[str], None]) -> None:
                await fill_and_press(chat, conversation_id, prompt, on_token)

            async def in_page(prompt: str, on_token: Callable[[str], None]) -> None:
                numbers = {"hello": 0, f"count {PACED} every {PACE_MS}": PACED, burst_prompt: BURST}
                await hand.send(prompt, numbers[prompt], on_token)

            if how == "by hand":
                await hand.open(f"{base_url}/conversation/{conversation_id}")
            return {"raw": by_raw, "fill": by_fill, "by hand": in_page}.get(how, by_agent)

        async def settle(how: str, conversation_id: str) -> None:
            page = hand.page if how == "by hand" else find_page(chat, conversation_id)
            await wait_until_shown(page, (await raw.read(conversation_id))["messages"][-1]["id"])

        first, last = ([how for how in hows if (how in LAST) == rendered] for rendered in (False, True))
        for group in (first, last):
            for number in range(rounds + 1):  # the first warms up and does not count
                taken = figures if number else Figures()
                made = []
                # The one that comes later meets other caches: page and recorded change places.
                for how in group if number % 2 else [*group[:1], *reversed(group[1:])]:
                    conversation_id = await raw.create(model)
                    made.append(conversation_id)
                    send = await make_sender(how, conversation_id)
                    if how != "by hand":  # "fill" needs the tab that ui opens
                        warm = await make_sender("ui", conversation_id) if how == "fill" else send
                        await warm("hello", lambda text: None)
                    if how == "fill":
                        await settle(how, conversation_id)
                    before = spent()
                    await paced(send, taken, how)
                    if how in ("fill", "by hand"):
                        await settle(how, conversation_id)
                    await burst(send, taken, how, burst_prompt)
                    if how == "recorded":
                        await wait_until_written(taped)
                    took = spent().since(before)
                    taken.python[how].append(took.python * 10_000 / (PACED + BURST))
                    taken.processes[how].append(took.every * 10_000 / (PACED + BURST))
                    if number:
                        progress.advance(task)
                # A database may become slower with each, and the account is somebody's.
                await chat.delete_conversations(made, confirmed=len(made))
        for _ in range(0 if app else rounds):
            figures.ceiling.append(await raw.drink(await raw.create(model), burst_prompt))
        return figures, chat._session.browser.version


def describe(browser: str, rounds: int) -> str:
    """What the figures were taken on."""
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("playwright", "nodriver", "aiohttp", "httpx", "hypercorn")
    )
    return (
        f"{datetime.date.today()}, {os.cpu_count()} cores, {platform.machine()}, {platform.system()}, "
        f"Python {platform.python_version()}, {browser}; {versions}; median of {rounds} rounds; "
        f"load {os.getloadavg()[0]:.1f}."
    )


class Run:
    """All that is measured, in Markdown and as figures. They are written after each part."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self.rounds: int = options.rounds
        self.lines: list[str] = []
        self.figures: dict[str, Any] = {"unit": "s, memory in MB"}
        self.browser = ""
        self.bars: dict[str, dict[str, float]] = {}
        self.failed = False

    @contextlib.contextmanager
    def part(self, title: str) -> Iterator[None]:
        """A part of the tables. If it fails, the others are still measured."""
        self.lines += [f"### {title}", ""]
        try:
            yield
        except Exception:
            self.failed = True
            self.lines += ["This part failed.", ""]
            traceback.print_exc()
        self.save()

    def save(self) -> str:
        """Write what there is so far to the files of the options; return the tables."""
        options = self._options
        taken_on = describe(self.browser, self.rounds)
        figures = _round(self.figures | {"taken on": taken_on})
        reached = goals.table(figures, app=options.app is not None)
        head = ["### Goals", "", *reached, ""] if reached else []
        table = "\n".join([*head, *self.lines, taken_on])
        if options.json:
            options.json.write_text(json.dumps(figures) + "\n")
        if options.plot and self.bars:
            options.plot.write_text(bars.draw(f"Medians, {taken_on.partition(';')[0]}", self.bars))
            table = f"![Medians]({options.plot.name})\n\n{table}"
        if options.write:
            begin, end = (f"<!-- {name} -->" for name in (APP_MARKS if options.app else MARKS))
            head, _, rest = options.write.read_text().partition(begin)
            options.write.write_text(f"{head}{begin}\n{table}\n{end}{rest.partition(end)[2]}")
        return table

    def measure_app(self, base_url: str, engines: list[EngineName], *, app: bool) -> None:
        """Messages one after the other."""
        for engine in engines:
            with self.part(f"Engine {engine}"):
                ways = self._options.ways
                figures, self.browser = asyncio.run(measure(base_url, engine, self.rounds, app, ways))
                self.lines += [*report(figures), ""]
                self.figures[engine] = vars(figures)
                self.bars |= {f"{engine}: {name}": cells for name, cells in find_cells(figures).items()}

    def measure_at_once(self, base_url: str, engines: list[EngineName], *, app: bool) -> None:
        for engine in engines:
            with self.part(f"At once, {engine}"):
                found = asyncio.run(at_once.measure(base_url, engine, self.rounds, app=app))
                self.lines += [*at_once.report(found), ""]
                self.figures[f"at once, {engine}"] = vars(found)

    def measure_cold(self, base_url: str, engines: list[EngineName], *account: str) -> None:
        with self.part("Cold start"):
            found = cold.measure(base_url, engines, self.rounds, *account)
            self.lines += [*cold.report(found), ""]
            self.figures["cold"] = found._asdict()

    def measure_doors(self, base_url: str) -> None:
        with self.part("Doors"):
            found = shell.measure(base_url, self.rounds)
            through = asyncio.run(doors.measure(base_url, 10 * self.rounds))
            self.lines += [*shell.report(found), "", doors.report(*through), ""]
            self.figures |= {"shell": found, "doors": through}

    def measure_python(self) -> None:
        """What needs no browser."""
        with self.part("Without a browser"):
            replayed = replays.measure()
            costs = cpu.measure_chunks()
            self.lines += [
                *cpu.table(costs),
                "",
                f"{replays.COUNT} tests of two turns each, replayed by pytest: {replayed:.1f} s.",
                "",
            ]
            self.figures["replays"] = replayed
            self.figures["decode"] = {str(size): 1e6 / cost.handlers for size, (cost, _) in costs.items()}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--engine", choices=ENGINES, help="measure only this one")
    parser.add_argument(
        "--ways", nargs="+", choices=HOWS, default=HOWS, help="measure only messages, and only in these ways"
    )
    parser.add_argument("--app", metavar="URL", help="another app, with HUGGINGCHAT_USERNAME and _PASSWORD")
    parser.add_argument("--write", type=Path, help="put the tables between the marks of this file")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--plot", type=Path, help="draw the figures of the engines into this SVG file")
    own_account.add_option(parser)
    arguments = parser.parse_args()
    run = Run(arguments)
    whole = arguments.ways == HOWS
    engines: list[EngineName] = [arguments.engine] if arguments.engine else [*ENGINES]
    if arguments.app:
        own_account.use_for(arguments.app, arguments.login_origin)
        account = (os.environ.get(f"HUGGINGCHAT_{each}", "") for each in ("USERNAME", "PASSWORD"))
        if whole:
            run.measure_cold(arguments.app, engines, *account)
        run.measure_app(arguments.app, engines, app=True)
        if whole:
            run.measure_at_once(arguments.app, engines, app=True)
    elif not whole:
        with open_site() as base_url:
            run.measure_app(base_url, engines, app=False)
    else:
        with open_site() as base_url:
            run.measure_app(base_url, engines, app=False)
            run.measure_cold(base_url, engines)
            run.measure_doors(base_url)
        with open_site("--tls") as base_url:
            run.measure_at_once(base_url, engines, app=False)
        run.measure_python()
    Console(width=200, markup=False, highlight=False).print(run.save())
    return int(run.failed)


def _round(value: Any) -> Any:
    """Times to a hundredth of a millisecond."""
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {name: _round(each) for name, each in value.items()}
    return [_round(each) for each in value] if isinstance(value, list | tuple) else value


if __name__ == "__main__":
    sys.exit(main())
