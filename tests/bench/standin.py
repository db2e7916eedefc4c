"""The stand-in site in a process of its own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def open_site(*options: str) -> Iterator[str]:
    """Its address, while it runs."""
    command = [sys.executable, "-m", "fixtures.site", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as site:
        try:
            assert site.stdout is not None
            yield site.stdout.readline().split()[-1]
        finally:
            site.terminate()
