"""Seconds per subject of the test suite, printed at the end beside what the subject may take.

Time counts from the set-up of a test to its end, on all workers together. A subject over its budget
is marked; it does not fail the run, for a machine can be busy.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from fnmatch import fnmatch
from typing import TYPE_CHECKING
from zlib import crc32

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

# A run starts hundreds of processes. Where nothing compiled is kept, each compiles the package again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# What belongs to a subject, below tests/; the first that fits.
SUBJECTS = {
    "sign-in": ("signin/*", "site/test_sessions.py", "cli/test_account.py", "cli/test_profiles.py"),
    "engines": ("contract/*",),
    "tapes": ("tape/*", "playback/*"),
    "harness": ("harness/*", "attached/*"),
    "provider": ("provider/*",),
    "faults": ("faults/*",),
    "cluster": ("batching/test_cluster.py", "batching/test_cluster_address.py"),
    "batch": ("batching/*",),
    "doors": ("serve/*", "warm/*", "cli/test_warm.py"),
    "conversations": (
        *(f"e2e/test_{name}.py" for name in ("branches", "conversations", "elicitation", "outputs")),
        *(f"e2e/test_{name}.py" for name in ("preferences", "refusals", "tools", "uploads")),
        *(f"cli/test_{name}.py" for name in ("attachments", "conversations", "tools")),
        "site/test_elicitation.py",
    ),
    "generations": (
        *("e2e/test_generations.py", "e2e/test_first_alternatives.py"),
        *("site/test_april.py", "site/test_generations.py"),
    ),
    "doctor": ("doctor/*",),
    "features": ("features/*",),
    "own session": ("ownsession/*",),
    "own browser": ("own_browser/*",),
    "turns": ("*",),
}

# Minutes of a run on two cores with nothing else on them, divided by what each subject took in such a run.
# The subjects that came later are faults, cluster, batch, doors, generations, doctor, features, own session
# and own browser. Without them it may take nine minutes, and fifteen with them.
MINUTES = {
    "sign-in": 1.0,
    "engines": 0.8,
    "tapes": 0.75,
    "harness": 0.85,
    "provider": 0.65,
    "faults": 1.0,
    "cluster": 0.3,
    "batch": 0.15,
    "doors": 0.5,
    "conversations": 1.0,
    "generations": 0.25,
    "doctor": 0.4,
    "features": 0.1,
    "own session": 0.25,
    "own browser": 0.25,
    "turns": 3.5,
}
WORKERS = 3  # of scripts/test

# Of these tests with a browser, the default run takes one in so many, drawn by their names.
SAMPLED = {
    "browser/test_hazards.py": 2,
    "browser/test_network_errors.py": 3,
    "cli/test_warm.py": 2,
    "docs/test_commands.py": 2,
    "faults/test_driver.py": 2,
    "faults/test_recovery.py": 2,
    "site/*": 3,
    "signin/test_imported.py": 2,
    "signin/test_recovery.py": 2,
    "tape/test_person.py": 2,
}

LONGEST = 1800  # seconds that a test may take where it does all of its rounds

spent: dict[str, float] = defaultdict(float)
counts: dict[str, int] = defaultdict(int)


def find_subject(nodeid: str) -> str:
    path = nodeid.split("::")[0].removeprefix("tests/")
    return next(name for name, patterns in SUBJECTS.items() if any(fnmatch(path, each) for each in patterns))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run the long matrices whole, not a tenth of them")


def leave_to_soak(config: pytest.Config, items: list[pytest.Item], spared: list[pytest.Item]) -> None:
    """Mark these for the long run, and take them out of the default one."""
    for item in spared:
        item.add_marker("soak")
    if spared and not config.getoption("--soak"):
        config.hook.pytest_deselected(items=spared)
        items[:] = [item for item in items if item not in spared]


def take_samples(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take the tests that `SAMPLED` does not draw out of the default run."""
    spared = []
    for item in items:
        path = item.nodeid.split("::")[0].removeprefix("tests/")
        number = next((each for pattern, each in SAMPLED.items() if fnmatch(path, pattern)), 1)
        if "browser" in item.keywords and crc32(item.nodeid.encode()) % number:
            spared.append(item)
    leave_to_soak(config, items, spared)


def take_turns(
    config: pytest.Config, items: list[pytest.Item], name: str, values: Sequence[str], marked: str = ""
) -> None:
    """Keep one of the cases that differ only in the parameter `name` in the default run.

    With `marked`, of the tests that have that marker.

    Which one follows from the name of the test, so that all values stay in use everywhere, and the other
    engine takes the next. A value that stands twice in `values` has twice the turns. A test marked `each_way`
    keeps all of its cases.
    """
    spared = []
    for item in items:
        params = dict(item.callspec.params) if hasattr(item, "callspec") else {}
        if params.get(name) not in values or item.get_closest_marker("each_way"):
            continue
        if marked and not item.get_closest_marker(marked):
            continue
        value, engine = params.pop(name), params.pop("engine", "")
        # By the name where there is one: the text of a function has its address, and each worker another one.
        names = [getattr(each, "__name__", str(each)) for each in params.values()]
        case = f"{item.nodeid.partition('[')[0]} {names}"
        if values[(crc32(case.encode()) + (engine == "nodriver")) % len(values)] != value:
            spared.append(item)
    leave_to_soak(config, items, spared)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests without a browser come first: they fail fast.

    A test by ui and by page runs one way, and a test on several builds of the app runs on one of them
    (see `take_turns`). A test that is marked soak
    does a part of its rounds in the default run; of one's cases those that are marked so
    (`pytest.param(..., marks=pytest.mark.soak)`) are not in it at all, nor is
    a test that is marked long.
    """
    # By ui the first message of a conversation takes a page of its own, ten times the cost of all else.
    take_samples(config, items)
    take_turns(config, items, "via", ("ui", "page", "page", "page"))
    take_turns(config, items, "build", ("2026-08", "2026-01", "2025-04"))
    take_turns(config, items, "engine", ("playwright", "nodriver"), marked="either_engine")
    marks = [(item, getattr(getattr(item, "callspec", None), "marks", ())) for item in items]
    leave_to_soak(config, items, [item for item, own in marks if any(mark.name == "soak" for mark in own)])
    leave_to_soak(config, items, [item for item in items if item.get_closest_marker("long")])
    if config.getoption("--soak"):
        for item in items:
            if item.get_closest_marker("soak") and not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(LONGEST))
    items.sort(key=lambda item: "browser" in item.keywords)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    spent[find_subject(report.nodeid)] += report.duration
    counts[find_subject(report.nodeid)] += report.when == "call"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if len(spent) < 2:
        return
    terminalreporter.section("seconds per subject, over all workers")
    for name, seconds in sorted(spent.items(), key=lambda each: -each[1]):
        budget = 60 * WORKERS * MINUTES[name]
        over = "  OVER BUDGET" if seconds > budget else ""
        terminalreporter.line(f"{name:14} {counts[name]:5} tests {seconds:7.1f} s of {budget:4.0f}{over}")
