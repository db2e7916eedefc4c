"""The command line. Importing this costs nothing; `main` loads what it needs."""

from __future__ import annotations

import sys


def main() -> None:
    """Run `huggingchat` with the arguments of the process, and exit."""
    try:
        from huggingchat_agent.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before `run` could handle it
        code = 130
    sys.exit(code)
