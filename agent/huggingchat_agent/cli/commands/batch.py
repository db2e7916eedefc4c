"""`batch`."""

import asyncio
import sys
from collections import Counter
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from huggingchat_agent import redact
from huggingchat_agent.batching.cluster import Cluster
from huggingchat_agent.batching.items import Item, Result, arrange, parse_items, read_items
from huggingchat_agent.batching.journal import Journal, write_results
from huggingchat_agent.batching.run import batch as ask_all
from huggingchat_agent.choices import Via
from huggingchat_agent.cli import console, documents
from huggingchat_agent.cli.commands.ask import read_deadlines
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.terminal import to_one_line
from huggingchat_agent.errors import UsageError
from huggingchat_agent.huggingchat import HuggingChat

FAILED = 1  # exit code where an item has no answer


def batch(
    options: Options,
    prompts: Annotated[
        Path, typer.Argument(metavar="IN.JSONL", help="One JSON object a line; see above. `-` is stdin.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT.JSONL", help="Where the results go, one a line.")
    ],
    concurrency: Annotated[
        int, typer.Option("--concurrency", "-n", metavar="COUNT", min=1, help="How many at a time.")
    ] = 4,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="For lines without one. With several, all lines go to each.",
        ),
    ] = None,
    via: Annotated[Via, typer.Option(help="How to send; see `ask`.")] = "page",
    temporary: Annotated[
        bool, typer.Option("--temporary", "-t", help="Delete the conversation of each answer.")
    ] = False,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="How long an answer may take. Default: 900.")
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Ask on the workers of this Dask scheduler: tls://HOST:PORT; see above."
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Also ask prompts again that failed in an earlier run.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT.JSONL.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Ask many prompts, several at a time, and write the answers to a file in the order of the prompts.

    A line has a `prompt`, and optionally an `id`, `model`, `system`, `files` (paths) and `attach` (https
    addresses, which the app fetches). Each prompt gets its own conversation. After a rate limit, all prompts
    wait as long as the app says.

    After Ctrl-C or a crash, run the same command again. OUT.JSONL.journal knows which prompts are finished
    and which were sent; nothing is sent twice. The exit code is 1 if a prompt failed.

    With `--dask`, each worker of the cluster has its own browser, and takes profile and session from its own
    environment. A tcp:// scheduler must be on this machine, unless you give `--insecure`.
    """
    read = parse_items(sys.stdin.buffer, "stdin") if str(prompts) == "-" else read_items(prompts)
    items = arrange(read, model or ())
    _check_output(output, prompts)
    record = output.with_name(f"{output.name}.journal")
    if not record.exists():
        documents.check_writable(output, force=force)
    settings = options.to_settings() | {"deadlines": read_deadlines(timeout)}
    door = HuggingChat(**settings) if dask is None else Cluster(dask, **settings)
    results: dict[str, Result] = {}
    with Journal(record) as journal:
        _check_journal(journal, items, output, force=force)
        try:
            asyncio.run(
                _ask(
                    items,
                    results,
                    door,
                    concurrency=concurrency,
                    via=via,
                    temporary=temporary,
                    journal=journal,
                    retry_failed=retry_failed,
                )
            )
        finally:
            # What was finished in the moment of the interruption is in the journal.
            results = {
                each.key: done for each in items if (done := results.get(each.key) or journal.find_done(each))
            }
            if results:
                write_results(output, (results[each.key] for each in items if each.key in results))
            if len(results) < len(items):
                console.say(f"{len(results)} of {len(items)} are finished. Run this again to continue.")
            if not record.stat().st_size:  # nothing was sent
                journal.remove()
        counts = Counter(each.status for each in results.values())
        if not counts["failed"]:
            journal.remove()
    _print_summary(list(results.values()), json=json)
    if counts["failed"]:
        console.say(f"{counts['failed']} failed. To ask them again: the same command with --retry-failed.")
        raise SystemExit(FAILED)


def _check_output(output: Path, prompts: Path) -> None:
    """Raises UsageError if the output cannot have a journal, or would replace the prompts."""
    if str(output) == "-" or (output.exists() and not output.is_file() and not output.is_dir()):
        raise UsageError(f"{output} is not a file. Name a file: the journal of the batch goes next to it.")
    if str(prompts) != "-" and output.exists() and output.samefile(prompts):
        raise UsageError(f"{output} holds the prompts. Name another output.")


def _check_journal(journal: Journal, items: list[Item], output: Path, *, force: bool) -> None:
    """Raises UsageError if the output exists and is not from these prompts, or if it would lose results."""
    if force:
        return
    if output.exists() and not any(journal.find_done(each) or journal.find_begun(each) for each in items):
        raise UsageError(
            f"{output} exists already, and its journal has none of these prompts. "
            "Give --force to replace it, or another name."
        )
    if others := journal.find_others(items):
        counted = f"{len(others)}; the first has the id {others[0]!r}"
        raise UsageError(
            f"{output} has results of other prompts, too ({counted}). "
            "Ask all of them, name another output, or give --force to lose those results."
        )


async def _ask(
    items: list[Item], results: dict[str, Result], door: HuggingChat | Cluster, **chosen: Any
) -> None:
    with _Bar(len(items)) as bar:
        address = door.address if isinstance(door, Cluster) else redact.address(door.settings.base_url)
        bar.say(f"Opening {address}")
        async with door:
            if isinstance(door, Cluster):
                chosen["cluster"] = door
            else:
                chosen["chat"] = door
                await door.login()
            bar.say("")
            async with aclosing(ask_all(items, **chosen)) as found:
                async for result in found:
                    results[result.id] = result
                    if result.error is not None:
                        console.warn(to_one_line(f"{result.id}: {result.error.message}"))
                    bar.advance(sum(each.status == "failed" for each in results.values()))


class _Bar:
    """The progress of a batch on stderr, if that is a terminal."""

    def __init__(self, total: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console.err,
            disable=not console.err.is_terminal,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._progress.add_task("", total=total)

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        self._progress.update(self._task, description=text, refresh=True)

    def advance(self, failed: int) -> None:
        self._progress.update(
            self._task, advance=1, description=f"{failed} failed" if failed else "", refresh=True
        )


def _print_summary(results: list[Result], *, json: bool) -> None:
    counts = Counter(each.status for each in results)
    errors = Counter(each.error.error for each in results if each.error is not None)
    seconds = sorted(each.seconds for each in results) or [0.0]
    facts = {
        "items": len(results),
        "answered": counts["answered"],
        "failed": counts["failed"],
        "looked_up": sum(each.looked_up for each in results),
        "characters": sum(len(each.text) for each in results),
        "median_seconds": seconds[len(seconds) // 2],
        "errors": dict(errors),
    }
    if json:
        documents.write_json(msgspec.to_builtins(facts))
        return
    rows = [
        ("Items", facts["items"]),
        ("Answered", facts["answered"]),
        ("Failed", ", ".join(f"{count} × {name}" for name, count in errors.items()) or 0),
        ("Looked up", facts["looked_up"]),
        ("Characters", f"{facts['characters']:,}"),
        ("Median", f"{facts['median_seconds']:.1f} s"),
    ]
    console.print_facts(rows)
