"""Finds the user's own running browser, for `connect="auto"`.

A Chromium that can be driven writes the address of its DevTools socket into its profile folder. Chrome from
version 144 on does so too, once the user has switched that on. It does not give the address over HTTP, and
asks the user about each connection.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from huggingchat_agent.browser.known_browsers import KNOWN, find_known, list_names
from huggingchat_agent.endpoint import Endpoint
from huggingchat_agent.environment import get_inheritable
from huggingchat_agent.errors import BrowserError, SettingsError

ALLOW_SECONDS = 60.0  # for a person to allow the connection

_FILE = "DevToolsActivePort"
_LARGEST = 4096  # bytes of that file
_LISTENING = "0A"
# 127.0.0.1 and "any", as /proc writes them for IPv4 and IPv6.
_REACHED = ("0100007F", "0" * 8, "0" * 32, "0000000000000000FFFF00000100007F")
_LSOF_SECONDS = 5.0

SWITCH_ON = (
    "In Chrome, Chromium, Edge or Brave, from version 144 on, switch it on at "
    "chrome://inspect/#remote-debugging, and press Allow when the browser asks. Or start one with "
    "--remote-debugging-port=9222 --user-data-dir=FOLDER, and connect to auto:FOLDER."
)


class Running(NamedTuple):
    """A browser that runs, and can be connected to."""

    title: str
    name: str
    folder: Path
    port: int
    path: str

    @property
    def endpoint(self) -> Endpoint:
        """The address of its DevTools socket."""
        return Endpoint.parse(f"ws://127.0.0.1:{self.port}{self.path}")

    def __str__(self) -> str:
        return f"{self.title} (port {self.port}, profiles in {self.folder})"


def find_running(connect: str) -> Running:
    """The person's one browser, by `auto`, `auto:NAME` or `auto:FOLDER`.

    Raises BrowserError if there is none, or if there are several; SettingsError for an unknown name.
    On a system that does not say who owns a port, only `auto:FOLDER` works.
    """
    named = connect.partition(":")[2]
    found, unused = [], []
    for each in _list_active(named):
        ours = is_ours(each.port)
        if ours or (ours is None and os.sep in named):
            found.append(each)
        elif ours is None:
            unused.append(
                f"{each.title} lists port {each.port}. This system does not say which user owns it. "
                f"If you are alone on this machine, connect to auto:{each.folder}."
            )
        else:
            unused.append(f"{each.title} lists port {each.port}, where no process of yours listens.")
    if len(found) == 1:
        return found[0]
    if found:
        names = [each.name for each in found]
        ways = [f"{each}: auto:{each.name if names.count(each.name) == 1 else each.folder}" for each in found]
        raise BrowserError(f"Several of your browsers accept a connection. Name one. {'; '.join(ways)}.")
    raise BrowserError(" ".join(["None of your browsers accepts a connection.", *unused]), hint=SWITCH_ON)


def make_refusal(running: Running, why: str) -> BrowserError:
    """The error for a browser that refuses the connection."""
    return BrowserError(
        f"{running} did not let the agent in: {why.rstrip('.')}.",
        hint="Press Allow in its window when it asks, and run this again.",
    )


def is_ours(port: int) -> bool | None:
    """Whether a process of this user listens at that port of 127.0.0.1, and nobody else. None if unknown."""
    system = sys.platform
    return _read_owners(port) == {os.getuid()} if system == "linux" else _ask_lsof(port)


def _list_active(name: str) -> list[Running]:
    """The browsers that have written an address. `name` is a browser or a folder; "" means all."""
    if os.sep in name:
        folder = Path(name).expanduser()
        places = [("The browser", str(folder), folder)]
    else:
        chosen = find_known(name)
        if name and chosen is None:
            raise SettingsError(
                f"connect names no browser: {name!r}. After `auto:` comes one of {list_names()}, or the path "
                "of a profile folder."
            )
        known = KNOWN if chosen is None else (chosen,)
        places = [(each.title, each.name, folder) for each in known for folder in each.find_folders()]
    return [
        Running(title, short, folder, *found)
        for title, short, folder in places
        if (found := _read_file(folder))
    ]


def _read_file(folder: Path) -> tuple[int, str] | None:
    """The port and path that a browser has written; None if there are none."""
    try:
        with (folder / _FILE).open("rb") as file:
            port, _, path = file.read(_LARGEST).decode("ascii").strip().partition("\n")
            number = int(port)
    except (OSError, ValueError):
        return None
    good = 0 < number < 65536 and path.startswith("/devtools/browser/") and path.isprintable()
    return (number, path) if good else None


def _read_owners(port: int) -> set[int]:
    """The users whose processes listen at that port of 127.0.0.1 (Linux)."""
    owners = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            address, _, number = fields[1].rpartition(":")
            if fields[3] == _LISTENING and int(number, 16) == port and address in _REACHED:
                owners.add(int(fields[7]))
    return owners


def _ask_lsof(port: int) -> bool | None:
    """The same by `lsof`, which every macOS has."""
    program = shutil.which("lsof")
    if program is None or not hasattr(os, "getuid"):
        return None
    command = [program, "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fu"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_LSOF_SECONDS, env=get_inheritable(), check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {line[1:] for line in done.stdout.splitlines() if line.startswith("u")} == {str(os.getuid())}
