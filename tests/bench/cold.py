"""How long a question takes from the start of the process, beside a browser and a page that are only opened.

`python -m tests.bench.cold` prints it alone. The bare program starts the same browser by Playwright with the
same cookies, and opens the app's home page. The account has closed the app's welcome before.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple, get_args

from huggingchat_agent.browser.executable import find_executable
from huggingchat_agent.choices import EngineName
from huggingchat_agent.state.storage import SavedSession
from tests.bench.shell import COMMAND
from tests.bench.standin import open_site

if TYPE_CHECKING:
    from collections.abc import Sequence

BARE = """
import asyncio, json, sys, time
began = time.time()
from playwright.async_api import async_playwright
async def main(path, url, state):
    async with async_playwright() as playwright:
        driver = time.time()
        browser = await playwright.chromium.launch(executable_path=path)
        launched = time.time()
        context = await browser.new_context(storage_state=state)
        page = await context.new_page()
        await page.goto(url)
        print(json.dumps([began, driver, launched, time.time()]), flush=True)
        await browser.close()
asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.stdin.read())))
"""


class Bare(NamedTuple):
    """Seconds."""

    interpreter: float
    driver: float  # with the imports of Playwright
    browser: float
    page: float

    @property
    def whole(self) -> float:
        return sum(self)


class Figures(NamedTuple):
    """By round: the bare program, and seconds of `ask hello` to its first output and end, by engine."""

    bare: list[Bare]
    first: dict[EngineName, list[float]]
    end: dict[EngineName, list[float]]


def measure(
    base_url: str,
    engines: Sequence[EngineName],
    rounds: int,
    username: str = "ada",
    password: str = "correct horse",
) -> Figures:
    """They take turns, after one round that does not count."""
    figures = Figures([], {each: [] for each in engines}, {each: [] for each in engines})
    with TemporaryDirectory() as home:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HUGGINGCHAT_")}
        environment = kept | {"HUGGINGCHAT_BASE_URL": base_url, "HUGGINGCHAT_HOME": home}
        subprocess.run(
            [COMMAND, "login", "--username", username, "--password-stdin"],
            input=f"{password}\n",
            env=environment,
            text=True,
            capture_output=True,
            check=True,
        )
        subprocess.run([sys.executable, "-m", "tests.bench.welcome"], env=environment, check=True)
        state = json.dumps(SavedSession(Path(home, "profiles", "default")).load())
        found = find_executable()
        assert found is not None
        for number in range(rounds + 1):
            bare = _run_bare(found.path, f"{base_url}/", state)
            asked = {each: _ask(environment | {"HUGGINGCHAT_ENGINE": each}) for each in engines}
            if number:
                figures.bare.append(bare)
                for engine, (first, end) in asked.items():
                    figures.first[engine].append(first)
                    figures.end[engine].append(end)
    return figures


def _run_bare(path: str, url: str, state: str) -> Bare:
    begun = time.time()
    command = [sys.executable, "-c", BARE, path, url]
    done = subprocess.run(command, input=state, capture_output=True, text=True, check=True)
    began, driver, launched, loaded = json.loads(done.stdout)
    return Bare(began - begun, driver - began, launched - driver, loaded - launched)


def _ask(environment: dict[str, str]) -> tuple[float, float]:
    begun = time.perf_counter()
    with subprocess.Popen(
        [COMMAND, "ask", "hello"], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        first = time.perf_counter() - begun
        process.stdout.read()
    assert process.returncode == 0
    return first, time.perf_counter() - begun


def report(figures: Figures) -> list[str]:
    """Lines of Markdown: medians, and the ratio by round."""
    needed = [each.browser + each.page for each in figures.bare]
    rows = {
        "bare program: interpreter": [each.interpreter for each in figures.bare],
        "bare program: Playwright and its driver": [each.driver for each in figures.bare],
        "bare program: browser": [each.browser for each in figures.bare],
        "bare program: page": [each.page for each in figures.bare],
    }
    for engine in figures.first:
        rows[f"`ask hello` to its first output, {engine}"] = figures.first[engine]
        rows[f"`ask hello` to its end, {engine}"] = figures.end[engine]
    lines = ["| cold start | s |", "|---|---|"]
    lines += [f"| {name} | {statistics.median(values):.2f} |" for name, values in rows.items()]
    for engine, taken in figures.first.items():
        by_page, by_all = (
            _describe([one / other for one, other in zip(taken, bare, strict=True)])
            for bare in (needed, [each.whole for each in figures.bare])
        )
        lines += [
            "",
            f"To its first output `ask hello` with {engine} took {by_page} the bare start of browser and "
            f"page, and {by_all} the whole bare program.",
        ]
    return lines


def _describe(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with open_site() as base_url:
        sys.stdout.write("\n".join([*report(measure(base_url, get_args(EngineName), rounds)), ""]))


if __name__ == "__main__":
    main()
