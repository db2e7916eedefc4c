"""The command line. Importing this costs nothing; `main` loads what it needs."""

from __future__ import annotations

import sys


def main() -> None:
    """Run `huggingchat` with the arguments of the process, and exit."""
    from huggingchat_agent.cli.app import run

    sys.exit(run(sys.argv[1:]))
