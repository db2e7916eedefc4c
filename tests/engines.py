"""The engine of the chats and commands in a test that does not name one.

To start a browser with Playwright takes 1.0 s of a processor more than with nodriver, for Playwright brings a
process of its own. So the default run takes nodriver for most files, and Playwright for every fourth. What an
engine itself does is in tests/contract, on both. With `HUGGINGCHAT_ENGINE=playwright` all take that one.
"""

from __future__ import annotations

import os
from fnmatch import fnmatch
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    import pytest

VARIABLE = "HUGGINGCHAT_ENGINE"

# These are about the default engine, choose one themselves, or use objects of Playwright.
THEIR_OWN = (
    *("browser/*", "contract/*", "docs/*", "own_browser/*", "test_*"),
    *("e2e/test_failures.py", "e2e/test_sending.py"),
    *("attached/*", "harness/*", "tape/*", "playback/*", "sync/*", "provider/*", "serve/*", "warm/*"),
    *("features/*", "ownsession/*", "batching/*", "site/*", "faults/*", "doctor/*"),
)

_GIVEN = os.environ.get(VARIABLE)


def choose_engine(item: pytest.Item) -> str | None:
    """What the environment of a test names as the engine. It follows from the name of the file."""
    path = item.nodeid.split("::")[0].removeprefix("tests/")
    if _GIVEN is not None:
        return _GIVEN
    by_itself = "browser" not in item.keywords or any(fnmatch(path, each) for each in THEIR_OWN)
    return None if by_itself or crc32(path.encode()) % 4 == 0 else "nodriver"
