"""What processes are connected to, as the kernel tells it (Linux)."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path


def read_links(process):
    """What the open files of a process are."""
    for name in os.listdir(f"/proc/{process}/fd"):
        with contextlib.suppress(OSError):
            yield os.readlink(f"/proc/{process}/fd/{name}")


def list_sockets(processes):
    """The other ends, as /proc writes them, of what these processes are connected to over IP."""
    inodes = set()
    for process in processes:
        with contextlib.suppress(OSError):  # it ended meanwhile
            inodes |= {each[8:-1] for each in read_links(process) if each.startswith("socket:[")}
    found = set()
    for name in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes:
                address, _, port = fields[2].rpartition(":")
                found.add((address, int(port, 16)))
    return found


def is_loopback(address):
    """Whether an address of /proc/net is on loopback, or none (of a socket that only listens)."""
    if set(address) == {"0"}:
        return True
    if len(address) == 8:
        return address.endswith("7F")
    return address == "00000000000000000000000001000000" or (
        address[16:].startswith("FFFF0000") and address.endswith("7F")
    )


def find_own_address():
    """This machine's address in its network; the one on loopback if it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        try:
            unused.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return "127.0.0.1"
        return unused.getsockname()[0]
