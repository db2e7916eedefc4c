"""What a command of the shell loads before it does anything, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import NamedTuple

COMMANDS = ("--version", "--help", "tape --help")

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


def measure(command: str) -> Loaded:
    """Run one command of `huggingchat`."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *command.split()], capture_output=True, text=True, check=True
    )
    return Loaded(*json.loads(done.stderr))


def table(rounds: int = 3) -> list[str]:
    """Lines of Markdown."""
    lines = ["| `huggingchat` | CPU time, ms | modules | browser libraries |", "|---|---|---|---|"]
    for command in COMMANDS:
        found = min((measure(command) for _ in range(rounds)), key=lambda each: each.seconds)
        libraries = ", ".join(sorted(found.libraries())) or "none"
        lines.append(f"| `{command}` | {1000 * found.seconds:.0f} | {len(found.modules)} | {libraries} |")
    return lines
