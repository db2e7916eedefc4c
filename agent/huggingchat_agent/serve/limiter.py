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
WAIT = 5.0  # seconds that a client is asked to wait when the queue is full


class Limiter:
    """At most `limit` answers run and `queue` wait. At most `per_minute` begin in a minute, if given. Further
    ones wait in the queue, or are refused if `waits` is false.
    """

    def __init__(
        self, *, limit: int = 4, queue: int = 32, per_minute: int | None = None, waits: bool = True
    ) -> None:
        self.limit, self.queue, self.per_minute, self.waits = limit, queue, per_minute, waits
        self.running = 0
        self.queued = 0
        self._free = asyncio.Semaphore(limit)
        self._begins: deque[float] = deque()  # when the last ones began, or will begin

    @property
    def free(self) -> int:
        """How many more answers could begin at once."""
        return max(0, self.limit - self.running - self.queued) if self._count_seconds() <= 0 else 0

    @contextlib.asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Wait for a place, and keep it for the block. Raises Refusal (429) if it may not wait."""
        seconds = self._count_seconds()
        if self.running + self.queued >= self.limit + self.queue:
            said = f"{self.running} answers run and {self.queued} wait. Try again in a few seconds."
            raise _refuse(said, max(seconds, WAIT))
        if seconds > 0 and not self.waits:
            raise _refuse(f"This server takes {self.per_minute} requests a minute (--rate-limit).", seconds)
        self.queued += 1
        try:
            await self._wait_for_turn(seconds)
            await self._free.acquire()
        finally:
            self.queued -= 1
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._free.release()

    def _count_seconds(self) -> float:
        """Seconds until one more may begin."""
        now = time.monotonic()
        while self._begins and now - self._begins[0] >= MINUTE:
            self._begins.popleft()
        if self.per_minute is None or len(self._begins) < self.per_minute:
            return 0.0
        return self._begins[-self.per_minute] + MINUTE - now

    async def _wait_for_turn(self, seconds: float) -> None:
        if self.per_minute is None:
            return
        begins = time.monotonic() + seconds
        self._begins.append(begins)
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self._begins.remove(begins)  # it never began
            raise


def _refuse(message: str, wait: float) -> Refusal:
    return Refusal(429, message, kind="rate_limit_error", code="rate_limit_exceeded", retry_after=wait)
