"""Whether Chromium's sandbox works here, and if not, why."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NamedTuple

from huggingchat_agent.environment import get_inheritable

# CLONE_NEWUSER alone can succeed where a security module denies the sandbox its use. A second namespace
# inside the first shows that.
_TRY_NAMESPACES = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER, CLONE_NEWPID = 0x10000000, 0x20000000
sys.exit(libc.unshare(CLONE_NEWUSER) != 0 or libc.unshare(CLONE_NEWPID) != 0)
"""


class Sandbox(NamedTuple):
    """The decision, and the sentence that explains it."""

    on: bool
    reason: str


def detect_sandbox() -> Sandbox:
    """On if we are not root and user namespaces work (a child process tries that), else off."""
    if not sys.platform.startswith("linux"):
        return Sandbox(True, "the sandbox of this system is used")
    if os.geteuid() == 0:
        return Sandbox(False, "running as root, where Chromium refuses its sandbox")
    if not _namespaces_work():
        return Sandbox(False, "this system does not let an ordinary user make user namespaces")
    return Sandbox(True, "user namespaces work")


def _namespaces_work() -> bool:
    probe = [sys.executable, "-I", "-c", _TRY_NAMESPACES]
    try:
        done = subprocess.run(probe, capture_output=True, timeout=10, env=get_inheritable())
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
