"""Counts the uses of the browser, so that it is not replaced or closed while something needs it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class BrowserUses:
    """Counts the uses of the browser. A first one waits while `replacing` is held."""

    def __init__(self) -> None:
        self.count = 0
        self.replacing = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def use(self) -> AsyncIterator[None]:
        """Keep the browser as long as this lasts: it is not replaced meanwhile."""
        if not self.count:
            async with self.replacing:
                pass
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1
