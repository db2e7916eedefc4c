"""Faults put into the code one at a time: which test finds each, in this tree or in another one.

    scripts/mutants                              run the faults of tests/mutants.json in this tree
    scripts/mutants --tree ../before             the same faults in another checkout that has a .venv
    scripts/mutants --draw 30 --tree ../before   draw faults at random from lines that both trees have

A fault is a line of `agent/` and what stands there instead. Every run is made in a copy of the tree, with the
tests that reach the line, first those without a browser, up to the first failure.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
FILE = Path(__file__).with_suffix(".json")
PACKAGE = Path("agent", "huggingchat_agent")

# The packages whose tests take one way, or no process, by default: how many of thirty faults each gets.
SHARES = {"chat": 9, "turn": 6, "session": 4, "site": 4, "browser": 4, "cli": 3}

# The tests that reach a module, those first that are about it: `e2e/turns` is tests/e2e/test_turns.py. Of any
# other module, the whole package's.
REACH = {
    "chat/chat.py": "closing e2e/preferences e2e/stop e2e/models e2e/conversations signin/imported",
    "chat/sending.py": "reply e2e/tools e2e/sending e2e/uploads e2e/branches e2e/turns",
    "chat/reply.py": "reply e2e/turns e2e/stop",
    "turn/turn.py": "turn clock e2e/turns e2e/failures e2e/stop e2e/elicitation e2e/refusals e2e/sending",
    "turn/stream.py": "turn e2e/failures e2e/refusals",
    "session/account.py": "sign_in_again signin/login signin/imported signin/recovery signin/profiles",
    "session/connections.py": "connections e2e/sending",
    "site/gestures/composer.py": "e2e/turns e2e/uploads e2e/failures",
    "site/gestures/messages.py": "e2e/branches e2e/failures",
    "cli/app.py": "cli/help cli/failures",
    "cli/tool_questions.py": "cli/show cli/tools",
    "cli/commands/tape.py": "playback/looking",
    "chat": "reply uploads closing export e2e",
    "turn": "turn clock e2e",
    "session": "sign_in_again connections signin e2e",
    "site": "signin e2e",
    "browser": "browser contract",
    "cli": "cli",
}

SWAPS = [
    (r" == ", " != "),
    (r" != ", " == "),
    (r" is not None", " is None"),
    (r" is None", " is not None"),
    (r" not in ", " in "),
    (r"\bif not ", "if "),
    (r" and ", " or "),
    (r" or ", " and "),
    (r" < ", " >= "),
    (r" > ", " <= "),
    (r" \+ 1\b", ""),
    (r"\bTrue\b", "False"),
    (r"\bFalse\b", "True"),
    (r"^(\s+)return (?!None$|$).+$", r"\1return None"),
    (r"^(\s+)await [\w.]+\(.*\)$", r"\1pass"),
    (r"^(\s+)self\.[\w.]+\(.*\)$", r"\1pass"),
]


class Fault(NamedTuple):
    package: str
    line: str
    changed: str


def lines(tree: Path) -> Iterator[tuple[Path, int, str]]:
    """Every line of code, with its file and number: no comments, docstrings, imports, definitions."""
    for path in sorted((tree / PACKAGE).rglob("*.py")):
        text = path.read_text()
        prose = {
            number
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
            if "\n" in node.value or node.col_offset == 0
        }
        for number, line in enumerate(text.splitlines(), 1):
            if number not in prose and not re.match(r"\s*(#|from |import |def |async def |class |@|$)", line):
                yield path, number, line


def draw(trees: list[Path], count: int, seed: int) -> list[Fault]:
    """Faults in lines that stand exactly once in each tree."""
    known = [Counter(line for _, _, line in lines(tree)) for tree in trees]
    found: dict[str, list[Fault]] = {package: [] for package in SHARES}
    for path, _, line in lines(trees[0]):
        package = path.relative_to(trees[0] / PACKAGE).parts[0]
        if package not in SHARES or any(each[line] != 1 for each in known) or len(line.strip()) < 12:
            continue
        for pattern, instead in SWAPS:
            match = re.search(pattern, line)
            if match and not in_words(line, match.start()) and not line.rstrip().endswith(("(", "[", "{")):
                found[package].append(Fault(package, line, re.sub(pattern, instead, line, count=1)))
    chance = random.Random(seed)
    drawn = []
    for package, share in SHARES.items():
        once = list({each.line: each for each in chance.sample(found[package], len(found[package]))}.values())
        drawn += once[: round(count * share / 30)]
    return drawn


def in_words(line: str, place: int) -> bool:
    """Whether that place of a line is in a string or in a comment."""
    before = line[:place]
    return "#" in before or before.count('"') % 2 == 1 or line.strip().startswith(('"', 'f"'))


def copy_of(tree: Path, folder: Path) -> Path:
    """The parts of a tree that the tests need."""
    for name in ("agent", "fixtures", "tests", "scripts", "docs", "pyproject.toml", "README.md"):
        source = tree / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        elif source.exists():
            shutil.copy(source, folder / name)
    return folder


def first_failure(copy: Path, python: list[str], arguments: list[str]) -> str | None:
    """The first test that fails, "" where pytest itself ends early, None where all pass."""
    ran = subprocess.run(
        [*python, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--timeout=120", *arguments],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy / "agent")},
        capture_output=True,
        text=True,
    )
    if ran.returncode in (0, 5):
        return None
    found = re.search(r"^(?:FAILED|ERROR) (\S+(?: [^-]\S*)*)", ran.stdout, re.M)
    return found[1] if found else ""


def files(copy: Path, names: str) -> Iterator[str]:
    """The files and folders of tests with these names that a tree has."""
    for name in names.split():
        folder, _, stem = name.rpartition("/")
        for path in (Path("tests", folder, f"test_{stem}.py"), Path("tests", name)):
            if (copy / path).exists():
                yield str(path)


def find(copy: Path, python: Path, under: list[str], fault: Fault, likely: str = "") -> str | None:
    """The test that finds a fault; the one that found it elsewhere is tried first."""
    places = [(path, line) for path, _, line in lines(copy) if line == fault.line]
    if len(places) != 1:
        return "(the line is not there)"
    path = places[0][0]
    before = path.read_text()
    module = str(path.relative_to(copy / PACKAGE))
    targets = list(files(copy, REACH.get(module, REACH[fault.package])))
    try:
        path.write_text(before.replace(f"{fault.line}\n", f"{fault.changed}\n", 1))
        first = [[likely]] if likely and (copy / likely.partition("::")[0]).exists() else []
        for tests, quick in itertools.product([*first, targets], (True, False)):
            arguments = ["-m", "not browser" if quick else "browser", *tests]
            found = first_failure(copy, [*([] if quick else under), str(python)], arguments)
            if found is not None:
                return found or "(the tests do not start)"
        return None
    finally:
        path.write_text(before)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tree", type=Path, default=ROOT)
    parser.add_argument("--draw", type=int, metavar="COUNT")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--write", type=Path, help="a file of results, one JSON object a line; also read from"
    )
    parser.add_argument(
        "--under", default="", metavar="COMMAND", help="run what has a browser under this command"
    )
    parser.add_argument("--likely", type=Path, help="results of another tree: which test to try first")
    chosen = parser.parse_args()
    tree = chosen.tree.resolve()
    if chosen.draw:
        drawn = draw([ROOT, tree], chosen.draw, chosen.seed)
        FILE.write_text(json.dumps([each._asdict() for each in drawn], indent=1) + "\n")
        return
    faults = [Fault(**each) for each in json.loads(FILE.read_text())]
    done = _results(chosen.write)
    likely = _results(chosen.likely)
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_of(tree, Path(folder))
        for number, fault in enumerate(faults, 1):
            if str(number) in done:
                continue
            python = tree / ".venv/bin/python"
            found = find(copy, python, chosen.under.split(), fault, likely.get(str(number)) or "")
            result = {"number": number, **fault._asdict(), "found": found}
            if chosen.write:
                with chosen.write.open("a") as results:
                    results.write(json.dumps(result) + "\n")
            sys.stdout.write(
                f"{number:3} {fault.package:8} {fault.changed.strip()}\n    {found or 'SURVIVED'}\n"
            )
            sys.stdout.flush()


def _results(path: Path | None) -> dict[str, str | None]:
    if path is None or not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return {str(each["number"]): each["found"] for each in rows}


if __name__ == "__main__":
    main()
