"""How many answers run at a time, how many wait, and how many may begin in a minute."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING

from huggingchat_agent.serve.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MINUTE = 60.0
WAIT = 5.0  # seconds that a client is asked to wait where the queue is full


class Places:
    """At most `limit` answers run and `queue` wait. At most `per_minute` begin in a minute, if given."""

    def __init__(self, *, limit: int = 4, queue: int = 32, per_minute: int | None = None) -> None:
        self.limit, self.queue, self.per_minute = limit, queue, per_minute
        self.running = 0
        self.queued = 0
        self._free = asyncio.Semaphore(limit)
        self._begun: deque[float] = deque()

    @property
    def free(self) -> int:
        """How many more answers could begin at once."""
        return max(0, self.limit - self.running - self.queued)

    @contextlib.asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Wait for a place, and keep it for the block. Raises Refusal (429) where the queue is full."""
        if self.running + self.queued >= self.limit + self.queue:
            raise _refuse(
                f"{self.running} answers run and {self.queued} wait. Try again in a few seconds.", WAIT
            )
        self._count()
        self.queued += 1
        try:
            await self._free.acquire()
        finally:
            self.queued -= 1
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._free.release()

    def _count(self) -> None:
        if self.per_minute is None:
            return
        now = time.monotonic()
        while self._begun and now - self._begun[0] >= MINUTE:
            self._begun.popleft()
        if len(self._begun) >= self.per_minute:
            wait = MINUTE - (now - self._begun[0])
            raise _refuse(f"This server takes {self.per_minute} requests a minute (--rate-limit).", wait)
        self._begun.append(now)


def _refuse(message: str, wait: float) -> Refusal:
    return Refusal(429, message, kind="rate_limit_error", code="rate_limit_exceeded", retry_after=wait)
