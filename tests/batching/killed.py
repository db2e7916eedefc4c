"""A batch that is killed again and again at random, and started again each time.

    scripts/batch-killed                          500 prompts, one in twenty fails; killed ten times
    scripts/batch-killed --write docs/batch.md

Counts the results, and what the stand-in got of each prompt. Exits with 1 if a result is missing or there
twice, or a message was sent twice.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from fixtures.site import StandIn
from tests.cli.shell import Shell
from tests.faults.results import Made, describe_run, make_progress
from tests.persons import borrow, running_browser
from tests.quick import QUICK

if TYPE_CHECKING:
    from collections.abc import Callable

FAILS = 20  # one prompt in so many
CONCURRENCY = 16


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a batch. `sent` is how often the app got each prompt."""

    prompts: list[str]
    results: list[dict[str, Any]]
    summary: dict[str, Any]
    sent: dict[str, int]
    seconds: float

    @property
    def faults(self) -> list[str]:
        """The faults, as sentences."""
        found = []
        if [each["id"] for each in self.results] != [str(n + 1) for n in range(len(self.prompts))]:
            found.append("the results are not one for each prompt, in their order")
        for n, each in enumerate(self.results):
            wanted = ("failed", "GenerationFailed") if n % FAILS == FAILS - 1 else ("answered", None)
            if (each["status"], (each["error"] or {}).get("error")) != wanted:
                found.append(f"prompt {n + 1} is {each['status']}: {each['error']}")
        found += [
            f"{each!r} was sent {self.sent[each]} times" for each in self.prompts if self.sent[each] != 1
        ]
        return found


def run(
    shell: Shell,
    site: StandIn,
    folder: Path,
    count: int,
    kills: int,
    see: Callable[[], object] = lambda: None,
) -> Outcome:
    """Run it in a folder. `see` is called after each kill."""
    begun = time.monotonic()
    prompts = [
        f"fail 0 saying Bad luck {n}" if n % FAILS == FAILS - 1 else f"count 8 every 10 for {count}-{n}"
        for n in range(count)
    ]
    (folder / "in.jsonl").write_text("".join(json.dumps({"prompt": each}) + "\n" for each in prompts))
    out = folder / "out.jsonl"
    command = ["batch", str(folder / "in.jsonl"), "-o", str(out), "--concurrency", str(CONCURRENCY)]
    chance = random.Random(5)
    journal = out.with_name("out.jsonl.journal")
    for kill in range(1, kills + 1):
        with shell.start(*command) as process:
            # Somewhere in its share of the work, as the journal shows it.
            until = round(2 * count * (kill - chance.random()) / (kills + 1))
            while not journal.exists() or journal.read_bytes().count(b"\n") <= until:
                assert process.poll() is None
                time.sleep(0.005)  # a file has no event
            process.send_signal(signal.SIGKILL)
        see()
    done = shell.here(*command, "--json")
    assert done.code == 1, done.err
    return Outcome(
        prompts=prompts,
        results=[json.loads(line) for line in out.read_text().splitlines()],
        summary=json.loads(done.out),
        sent=count_sent(site),
        seconds=time.monotonic() - begun,
    )


def count_sent(site: StandIn) -> Counter[str]:
    """How often the app got each prompt."""
    return Counter(
        message["content"]
        for each in site.control.conversations()
        for message in site.control.conversation(each["id"])["messages"]
        if message["from"] == "user"
    )


def describe(outcome: Outcome, kills: int, made: Made) -> str:
    """The outcome as a table of Markdown."""
    counts = Counter(each["status"] for each in outcome.results)
    rows = [
        ("prompts", len(outcome.prompts)),
        ("killed", kills),
        ("results", len(outcome.results)),
        ("answered", counts["answered"]),
        ("failed, with the app's error", counts["failed"]),
        (
            "results that are there twice",
            len(outcome.results) - len({each["id"] for each in outcome.results}),
        ),
        ("read from their conversation by a later run", outcome.summary["looked_up"]),
        ("messages that the app got", sum(outcome.sent[each] for each in outcome.prompts)),
        ("messages that the app got twice", sum(outcome.sent[each] > 1 for each in outcome.prompts)),
        ("minutes", f"{outcome.seconds / 60:.1f}"),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    versions = ", ".join(f"{name} {number}" for name, number in made.versions.items())
    return f"| | |\n|---|---|\n{table}\n\n{made.date}, {made.machine}, {versions}."


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--prompts", type=int, default=500)
    options.add_argument("--kills", type=int, default=10)
    options.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this page")
    given = options.parse_args()
    made = Made(**describe_run("nodriver"))
    with (
        tempfile.TemporaryDirectory() as folder,
        StandIn(echo_pause=0.0, **QUICK) as site,
        running_browser(Path(folder) / "browser") as address,
        make_progress() as progress,
    ):
        shell = Shell(site.url, Path(folder) / "state")
        shell.more = borrow(address) | {
            "HUGGINGCHAT_USERNAME": site.username,
            "HUGGINGCHAT_PASSWORD": site.password,
        }
        assert shell.here("login").code == 0
        with urllib.request.urlopen(f"{address}/json/version") as answer:
            made.versions["browser"] = json.load(answer)["Browser"]
        bar = progress.add_task("killed", total=given.kills)
        outcome = run(shell, site, Path(folder), given.prompts, given.kills, lambda: progress.advance(bar))
    table = describe(outcome, given.kills, made)
    print(table)  # noqa: T201 -- it is what the script is for
    if given.write is not None:
        text = given.write.read_text()
        begin, end = "<!-- killed -->", "<!-- end of killed -->"
        before, after = text.partition(begin)[0], text.partition(end)[2]
        given.write.write_text(f"{before}{begin}\n{table}\n{end}{after}")
    for fault in outcome.faults:
        print(fault, file=sys.stderr)  # noqa: T201
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())
