"""Files of 10 MiB, which is the most that the app takes: how long they need, and whether they arrive whole.

    scripts/large-files                              against the stand-in, both engines
    scripts/large-files --url http://127.0.0.1:27902/chat --engine nodriver
    scripts/large-files --write docs/reliability.md  put the table between the marks of this file

With --url the account comes from HUGGINGCHAT_USERNAME and HUGGINGCHAT_PASSWORD. A row is one message with its
files, and then one without in another conversation. Exits with 1 if a file that was taken is not whole, or if
the second message fails.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console

from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import AgentError
from tests.faults.long_life import open_site
from tests.faults.results import describe_run

if TYPE_CHECKING:
    from huggingchat_agent.choices import Via

ENGINES = ("playwright", "nodriver")
PROMPT = "count 3 every 1"  # a scripted model repeats any other prompt, with the files
SIZE = 10 * 2**20  # bytes
CASES: tuple[tuple[int, Via], ...] = ((1, "ui"), (1, "page"), (3, "ui"), (3, "page"), (4, "ui"), (4, "page"))
BEGIN, END = "<!-- large files -->", "<!-- end of large files -->"


class Row(msgspec.Struct, kw_only=True):
    """The outcomes of one message with files, and of the next one."""

    engine: str
    files: int
    via: str
    outcome: str = ""
    whole: bool = True
    seconds: float = 0.0
    next_outcome: str = ""
    next_seconds: float = 0.0


def make_files(count: int) -> list[tuple[str, bytes]]:
    """Texts that differ from one another."""
    return [(f"{number}.txt", f"{number:x} line of 16\n".encode() * (SIZE // 16)) for number in range(count)]


async def ask(chat: HuggingChat, prompt: str, via: Via, files: list[tuple[str, bytes]]) -> tuple[str, bool]:
    """The outcome of a message, and whether its files are whole at the app."""
    conversation = await chat.new_conversation(temporary=True)
    try:
        await conversation.send(prompt, files=files, via=via)
        asked = next(each for each in (await conversation.read()).messages if each.author == "user")
        wanted = [hashlib.sha256(data).hexdigest() for _, data in files]
        whole = sorted(str(each.get("value")) for each in asked.files) == sorted(wanted)
        return "answered" if whole else "answered, and the files are not whole", whole
    except AgentError as error:
        return f"{type(error).__name__}: {error.message}", True
    finally:
        await conversation.delete()


async def measure(engine: str, settings: dict[str, Any]) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as home:
        async with HuggingChat(engine=engine, home=home, **settings) as chat:
            await chat.login()
            for count, via in CASES:
                row = Row(engine=engine, files=count, via=via)
                began = time.monotonic()
                row.outcome, row.whole = await ask(chat, PROMPT, via, make_files(count))
                row.seconds = time.monotonic() - began
                began = time.monotonic()
                row.next_outcome, _ = await ask(chat, PROMPT, via, [])
                row.next_seconds = time.monotonic() - began
                rows.append(row)
                Console(stderr=True).print(msgspec.to_builtins(row), markup=False)
    return rows


def report(rows: list[Row], made: dict[str, Any]) -> str:
    """A table in Markdown, with where it was made."""
    lines = [
        "| engine | files of 10 MiB | via | outcome | s | the next message | s |",
        "|---|--:|---|---|--:|---|--:|",
    ]
    lines += [
        f"| {each.engine} | {each.files} | {each.via} | {each.outcome} | {each.seconds:.1f} | "
        f"{each.next_outcome} | {each.next_seconds:.1f} |"
        for each in rows
    ]
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    return "\n".join([*lines, "", f"{made['date']}, {made['machine']}, {versions}."])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="scripts/large-files",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--engine", choices=ENGINES, action="append", help="default: both")
    parser.add_argument("--url", help="the address of an app, in place of the stand-in's")
    parser.add_argument("--write", type=Path, help="put the table between the marks of this file")
    given = parser.parse_args()
    engines = given.engine or list(ENGINES)
    made, rows = describe_run(*engines), []
    with ExitStack() as stack:
        if given.url:
            settings: dict[str, Any] = {
                "base_url": given.url,
                "username": os.environ["HUGGINGCHAT_USERNAME"],
                "password": os.environ["HUGGINGCHAT_PASSWORD"],
            }
        else:
            site = stack.enter_context(open_site())
            settings = site.settings
        for engine in engines:
            rows += asyncio.run(measure(engine, settings))
    table = report(rows, made)
    Console().print(table, markup=False, soft_wrap=True)
    if given.write:
        head, _, rest = given.write.read_text().partition(BEGIN)
        given.write.write_text(f"{head}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}")
    sys.exit(not all(each.whole and each.next_outcome == "answered" for each in rows))


if __name__ == "__main__":
    main()
