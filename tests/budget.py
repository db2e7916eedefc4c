"""Seconds per room of the test suite, printed at the end beside what the room may take.

A room is a folder below tests/ (or a file at its top). Time counts from the collection of a test's
fixtures to their end. A room over its budget is marked; it does not fail the run, for a machine can
be busy.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parent

# Seconds on two cores, alone on them; two workers side by side take longer each.
BUDGET = {
    "provider": 60,
    "wire": 60,
    "browser": 80,
    "site": 90,
    "cli": 90,
    "e2e": 180,
    "contract": 180,
    "tape": 120,
    "signin": 120,
    "attached": 60,
    "harness": 120,
}
OTHERS = 30

spent: dict[str, float] = defaultdict(float)
counts: dict[str, int] = defaultdict(int)


def room(nodeid: str) -> str:
    parts = Path(nodeid.split("::")[0]).parts
    return parts[1] if len(parts) > 2 else "(top)"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run the long matrices whole, not a tenth of them")


def leave_to_soak(config: pytest.Config, items: list[pytest.Item], spared: list[pytest.Item]) -> None:
    """Mark these for the long run, and take them out of the default one."""
    for item in spared:
        item.add_marker("soak")
    if spared and not config.getoption("--soak"):
        config.hook.pytest_deselected(items=spared)
        items[:] = [item for item in items if item not in spared]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Rooms without a browser first: what is fast to fail should fail fast."""
    items.sort(key=lambda item: "browser" in item.keywords)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    spent[room(report.nodeid)] += report.duration
    counts[room(report.nodeid)] += report.when == "call"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if len(spent) < 2:
        return
    terminalreporter.section("seconds per room")
    for name, seconds in sorted(spent.items(), key=lambda each: -each[1]):
        budget = BUDGET.get(name, OTHERS)
        over = "  OVER BUDGET" if seconds > budget else ""
        terminalreporter.line(f"{name:12} {counts[name]:5} tests {seconds:7.1f} s of {budget:4}{over}")
