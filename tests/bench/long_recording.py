"""A recording of 1,000,000 tokens through a browser: what memory Python, the driver and the browser have.

    scripts/long-recording                                  bursts of 10,000 tokens by page, with a tape
    scripts/long-recording --no-tape                        the same without a recording, to compare
    scripts/long-recording --write docs/performance.md      put the table between the marks of this file

It prints a line for each 100,000 tokens. The stand-in has a process of its own. Exits with 1 if a token is
missing, in a handler or on the tape.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from huggingchat_agent import HuggingChat
from huggingchat_agent.setting_values import Record
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.reader import Tape
from tests.faults.long_life import Sample, Site, draw, open_site, take_sample
from tests.faults.results import describe_run

if TYPE_CHECKING:
    from collections.abc import Callable

BURST = 10_000  # tokens
EVERY = 10  # bursts between two samples


async def run(
    site: Site, tape: Path | None, tokens: int, engine: str, show: Callable[[Sample, int], None]
) -> tuple[list[Sample], int]:
    """The samples, and how many tokens the handler got."""
    samples: list[Sample] = []
    count = 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        settings: dict[str, Any] = {"username": site.username, "password": site.password, "engine": engine}
        settings["record"] = Record(tape) if tape is not None else None
        async with HuggingChat(base_url=site.url, home=home, **settings) as chat:

            @chat.on("token")
            def count_token(event: object) -> None:
                nonlocal count
                count += 1

            await chat.login()
            for number in range(1, tokens // BURST + 1):
                conversation = await chat.new_conversation()
                await conversation.send(f"burst {BURST}", via="page")
                await conversation.delete()
                if number % EVERY == 0:
                    sample = await asyncio.to_thread(
                        take_sample, chat._session.browser, number * BURST, began
                    )
                    samples.append(sample)
                    writer = chat._recorder._writer if chat._recorder is not None else None
                    show(sample, writer.waiting if writer is not None else 0)
    return samples, count


def count_recorded(tape: Path) -> int:
    """The tokens on the tape."""
    records = Tape(tape).read_records()
    return sum(isinstance(each, tapes.Event) and each.event["event"] == "token" for each in records)


def report(samples: list[Sample], tape: Path | None, made: dict[str, Any]) -> str:
    """A table in Markdown, with where it was made."""
    lines = [
        "| tokens | s | Python, MiB | driver, MiB | browser, MiB | its renderers, MiB |",
        "|---|---|---|---|---|---|",
    ]
    for each in samples:
        memory = " | ".join(f"{part:.0f}" for part in (each.python, each.driver, each.browser, each.pages))
        lines.append(f"| {each.turns:,} | {each.seconds:.0f} | {memory} |")
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    size = "There is no tape." if tape is None else f"The tape has {tape.stat().st_size / 2**20:.0f} MiB."
    return "\n".join([*lines, "", f"{size} {made['date']}, {made['machine']}, {versions}."])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="scripts/long-recording",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--engine", choices=("playwright", "nodriver"), default="playwright")
    parser.add_argument("--no-tape", action="store_true", help="record nothing")
    parser.add_argument("--write", type=Path, help="put the table between the marks of this file")
    parser.add_argument("--plot", type=Path, help="an SVG file to write")
    given = parser.parse_args()
    made = describe_run(given.engine)
    console = Console()

    def show(sample: Sample, waiting: int) -> None:
        console.print(
            f"{sample.turns:>9,} tokens  {sample.seconds:5.0f} s  Python {sample.python:.0f} MiB  driver "
            f"{sample.driver:.0f}  browser {sample.browser:.0f}  renderers {sample.pages:.0f}  "
            f"{waiting:,} records wait"
        )

    with tempfile.TemporaryDirectory() as folder, open_site() as site:
        tape = None if given.no_tape else Path(folder, "long.tape")
        samples, count = asyncio.run(run(site, tape, given.tokens, given.engine, show))
        recorded = count if tape is None else count_recorded(tape)
        table = report(samples, tape, made)
    on_tape = "none" if tape is None else f"{recorded:,}"
    console.print(f"{count:,} tokens in a handler, {on_tape} on the tape")
    if given.write:
        begin, end = "<!-- long recording -->", "<!-- end of long recording -->"
        if given.plot:
            table = f"![Memory]({given.plot.name})\n\n{table}"
        head, _, rest = given.write.read_text().partition(begin)
        given.write.write_text(f"{head}{begin}\n{table}\n{end}{rest.partition(end)[2]}")
    if given.plot:
        title = (
            f"MiB of memory over {count:,} recorded tokens, {given.engine}, {made['machine']}, {made['date']}"
        )
        given.plot.write_text(draw(samples, title))
    sys.exit(not count == recorded == given.tokens)


if __name__ == "__main__":
    main()
