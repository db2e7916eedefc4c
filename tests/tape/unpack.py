"""A tape taken apart by hand: gzip and JSON of the standard library, nothing of the agent."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any


def unpack(path) -> bytes:
    """Everything in the file, also of a tape that was never finished."""
    data, out = path.read_bytes(), b""
    while data:
        unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
        out += unpack.decompress(data) + unpack.flush()
        data = unpack.unused_data
    return out


def read_lines(path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in unpack(path).splitlines()]


def read_everything(path) -> bytes:
    """All that could be read from a tape: its text, and what is packed within as base64."""
    found = [unpack(path)]
    for line in read_lines(path):
        if "base64" in line:
            found.append(base64.b64decode(line["base64"]))
        if "text" in line:
            found.append(line["text"].encode())
    return b"\n".join(found)
