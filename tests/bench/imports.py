"""What a command of the shell loads before it does anything, in a process of its own."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.warm.conftest import Warm

COMMANDS = ("--version", "--help", "tape --help")
WARM = "ask -s 'Be brief.' 'hello there'"

# What drives a browser. A command that starts none must not wait for them.
BROWSER_LIBRARIES = ("playwright", "nodriver", "websockets", "greenlet")

_RUN = """
import json, sys, time
from huggingchat_agent.cli.app import run
run(sys.argv[1:])
sys.stderr.write(json.dumps([sorted(sys.modules), time.process_time()]))
"""


class Loaded(NamedTuple):
    """All modules, and seconds of CPU time since the start of the interpreter."""

    modules: list[str]
    seconds: float

    def libraries(self) -> set[str]:
        """The browser libraries among them."""
        return {name for name in BROWSER_LIBRARIES if name in self.modules}


def measure(command: str, environment: dict[str, str] | None = None) -> Loaded:
    """Run one command of `huggingchat`, with nothing on stdin."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *shlex.split(command)],
        env=os.environ | (environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return Loaded(*json.loads(done.stderr.splitlines()[-1]))


def measure_warm(home: Path) -> Loaded:
    """Ask once in a warm session that a tape answers. `home` is an empty folder."""
    with Warm(home):
        return measure(WARM, {"HUGGINGCHAT_HOME": str(home), "HUGGINGCHAT_BASE_URL": ""})


def table(rounds: int = 3) -> list[str]:
    """Lines of Markdown."""
    lines = ["| `huggingchat` | CPU time, ms | modules | browser libraries |", "|---|---|---|---|"]
    for command in COMMANDS:
        lines.append(_describe(f"`{command}`", [measure(command) for _ in range(rounds)]))
    with TemporaryDirectory() as folder:
        asked = [measure_warm(Path(folder, str(number))) for number in range(rounds)]
    return [*lines, _describe("`ask`, in a warm session", asked)]


def _describe(name: str, rounds: list[Loaded]) -> str:
    found = min(rounds, key=lambda each: each.seconds)
    libraries = ", ".join(sorted(found.libraries())) or "none"
    return f"| {name} | {1000 * found.seconds:.0f} | {len(found.modules)} | {libraries} |"
