"""A mark on every browser we start, so that one left behind can be found on the whole machine.

It stands in the command line of the browser process and in the environment that all its children
inherit; some of those overwrite their environment, so both are looked at.
"""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

VARIABLE = "HUGGINGCHAT_AGENT_MARK"


def mark() -> str:
    """A new mark."""
    return uuid4().hex


def switch(mark: str) -> str:
    """The mark as a switch of the command line; browsers ignore those they do not know."""
    return f"--huggingchat-agent={mark}"


def environment(mark: str) -> dict[str, str]:
    """Our environment as the browser should see it: marked, and without our settings (a password is one)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HUGGINGCHAT_")}
    return kept | {VARIABLE: mark}


def processes(mark: str = "") -> list[int]:
    """Ids of the processes with that mark, or with any. Linux only; empty elsewhere."""
    wanted = (switch(mark).encode(), f"{VARIABLE}={mark}".encode())
    return sorted(
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if any(each in _text(folder / name) for name in ("cmdline", "environ") for each in wanted)
    )


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile, or is somebody else's
        return b""
