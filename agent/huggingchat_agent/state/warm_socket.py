"""The socket of a profile's warm session: its path, and who may connect.

A warm session is a process that keeps a signed-in browser for the commands of the shell. It holds the lock of
the profile.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import stat
import struct
import tempfile
from pathlib import Path

import msgspec

from huggingchat_agent.errors import StorageError
from huggingchat_agent.files import explain_failure
from huggingchat_agent.log_records import log

# The system's limit for a socket's path is 107 bytes on Linux and 103 on macOS.
_LONGEST = 100  # bytes
_LONGEST_ANSWER = 1000  # bytes
_PATIENCE = 3.0  # seconds for an answer of a process that is idle


class Opening(msgspec.Struct, omit_defaults=True):
    """The first line on a connection. "yield" ends the warm session if nobody uses it, "end" in any case.
    These two work across versions of the package. `settings` are fingerprints by name.
    """

    do: str = "open"
    version: str = ""
    settings: dict[str, str] = {}


class Ending(msgspec.Struct):
    """The answer to "yield" and "end": whether it ends, and the id of its process."""

    ended: bool
    process: int


def find_path(home: Path, profile: str) -> Path:
    """Where the socket of a profile lies. A path that is too long for the system gets a short name."""
    path = home.absolute() / "warm" / f"{profile}.sock"
    if len(os.fsencode(path)) <= _LONGEST:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"huggingchat-agent-{_get_user()}" / f"{name}.sock"


def make_folder(folder: Path) -> None:
    """Make the folder of a socket. Raises StorageError if others could reach into it."""
    with explain_failure(StorageError, f"Cannot make {folder}"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_private(folder):
        raise StorageError(
            f"{folder} is not a folder that only you can use. Remove it, or name another state folder with "
            "HUGGINGCHAT_HOME."
        )


def connect(path: Path) -> socket.socket | None:
    """A connection to the warm session. None if none runs, or if the one there is not ours."""
    if not hasattr(socket, "AF_UNIX") or not path.exists():
        return None
    if not _is_private(path.parent):
        log.warning("%s is not a folder that only you can use, so its socket is not used.", path.parent)
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(_PATIENCE)
    try:
        connection.connect(str(path))
        if is_ours(connection):
            return connection
    except OSError:
        pass  # it has ended, or hangs
    connection.close()
    return None


def is_ours(connection: socket.socket) -> bool:
    """Whether the process at the other end is our user's. The folder decides where the system cannot say."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return bool(struct.unpack("3i", found)[1] == os.getuid())


def ask_to_end(home: Path, profile: str, *, anyway: bool = False) -> int:
    """Ask the warm session of a profile to end. It does if nobody uses it, or `anyway`.

    Returns the id of the process that ends, else 0. It closes its browser and releases the profile first.
    """
    connection = connect(find_path(home, profile))
    if connection is None:
        return 0
    with contextlib.suppress(OSError, msgspec.MsgspecError), connection, connection.makefile("rb") as lines:
        connection.sendall(msgspec.json.encode(Opening(do="end" if anyway else "yield")) + b"\n")
        answer = msgspec.json.decode(lines.readline(_LONGEST_ANSWER), type=Ending)
        return answer.process if answer.ended else 0
    return 0


def _is_private(folder: Path) -> bool:
    """Whether it is a folder of ours that nobody else can use."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == _get_user() and not found.st_mode & 0o077


def _get_user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0
