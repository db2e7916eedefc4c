"""Finds the warm session of a profile, starts one, and ends one."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec

import huggingchat_agent
from huggingchat_agent import environment
from huggingchat_agent.browser.process_tag import is_alive
from huggingchat_agent.error_values import Fault, make_error
from huggingchat_agent.errors import BrowserError, UsageError
from huggingchat_agent.state import warm_socket
from huggingchat_agent.warm.client import Client
from huggingchat_agent.warm.matching import describe, find_obstacles, make_fingerprints
from huggingchat_agent.warm.protocol import Start, Welcome, encode

if TYPE_CHECKING:
    from huggingchat_agent.settings import Settings

IDLE = 30 * 60.0  # seconds

# A warm session stops answers, and closes its browser.
END_PATIENCE = 20.0  # seconds


class Found:
    """What a command found at the socket: an open `client`, or the reason `why` it cannot be used.

    Both are empty where no warm session runs. `old`: it runs another version of the package.
    """

    def __init__(self, client: Client | None = None, why: str = "", *, old: bool = False) -> None:
        self.client, self.why, self.old = client, why, old


def find(settings: Settings) -> Found:
    """Connect to the warm session of the profile, if its settings are those of the command."""
    path = warm_socket.find_path(settings.home, settings.profile)
    obstacles = find_obstacles(settings)
    if obstacles:
        return Found(why=f"it is not for {describe(obstacles)}" if path.exists() else "")
    stream = warm_socket.connect(path)
    if stream is None:
        return Found()
    version = huggingchat_agent.__version__
    opening = warm_socket.Opening(version=version, settings=make_fingerprints(settings))
    client = Client(stream)
    welcome = client.open(opening)
    if welcome is not None and welcome.version == version and not welcome.different:
        return Found(client)
    client.close()
    if welcome is None:
        return Found(why="it does not answer")
    if welcome.version != version:
        return Found(why=f"it is of version {welcome.version}", old=True)
    return Found(why=f"it runs with another {describe(welcome.different)}")


def start(settings: Settings, options: dict[str, Any], *, idle: float = IDLE) -> Welcome:
    """Start a warm session and wait until it is signed in. Raises the error that prevents this. `options` are
    those of the command; it gets our environment variables too. If another process has started one meanwhile,
    this uses that one.
    """
    import filelock  # for those who start one only

    if obstacles := find_obstacles(settings):
        raise UsageError(f"A warm session cannot be used with {describe(obstacles)}. Leave that out.")
    path = warm_socket.find_path(settings.home, settings.profile)
    warm_socket.make_folder(path.parent)
    with filelock.FileLock(path.with_suffix(".starting"), mode=0o600):
        found = find(settings)
        if found.client is not None:
            found.client.close()
            return found.client.welcome
        return _start(Start(environment.get_ours(), options, idle))


def end(settings: Settings) -> bool:
    """End the warm session of the profile, and its running answers. False if none runs.

    Returns when its process is gone, or after END_PATIENCE.
    """
    process = warm_socket.ask_to_end(settings.home, settings.profile, anyway=True)
    until = time.monotonic() + END_PATIENCE
    while process and is_alive(process) and time.monotonic() < until:
        time.sleep(0.02)  # it is no child of ours, so there is no event for its end
    return bool(process)


def _start(start: Start) -> Welcome:
    command = [sys.executable, "-P", "-m", "huggingchat_agent.warm"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment.get_inheritable(),
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        with process.stdin, process.stdout:
            process.stdin.write(encode(start))
            process.stdin.close()
            line = process.stdout.readline()
    except BaseException:
        process.terminate()
        raise
    try:
        return msgspec.json.decode(line, type=Welcome)
    except msgspec.MsgspecError:
        pass
    process.wait()  # it has said its last words
    try:
        fault = msgspec.json.decode(line, type=Fault)
    except msgspec.MsgspecError:
        raise BrowserError(
            "The warm session ended before it was ready.",
            hint="Its log is in the folder `warm` of the state folder.",
        ) from None
    raise make_error(fault)
