"""Checks one after the other, and the table of what they saw."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.table import Table

from huggingchat_agent.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rich.console import Console


class Walk:
    """Runs checks one after the other; each returns what it saw, or raises."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.failed = 0
        self.table = Table("check", "seen", "s", title="What was seen")

    async def check(self, name: str, look: Callable[[], Awaitable[str]]) -> None:
        start = time.monotonic()
        try:
            seen = await look()
        except (AgentError, AssertionError) as error:
            self.failed += 1
            seen = f"[red]FAILED[/] {type(error).__name__}: {error}"
        seconds = time.monotonic() - start
        self.console.print(f"{name}: {seen} ({seconds:.1f} s)", highlight=False)
        self.table.add_row(name, seen, f"{seconds:.1f}")
