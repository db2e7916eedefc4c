"""How many streams may run at once.

A browser opens six connections to a host on HTTP/1.1, for all its tabs together. Each running stream holds
one. A ui tab holds a second one, on which its page watches running generations. The agent uses four for
streams and keeps two free, so that it can still read and stop. A host on HTTP/2 has no such limit.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING

from huggingchat_agent.exchange import Ended, Failed, Responded
from huggingchat_agent.wire.purposes import SendMessage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from huggingchat_agent.exchange import ExchangeEvent, Started
    from huggingchat_agent.wire.purposes import Purpose

FOR_STREAMS = 4


class Connections:
    """Hands out connections, first come, first served."""

    def __init__(self) -> None:
        self.limited = True  # until a response says otherwise
        self.in_use = 0
        self.running = 0
        self._watches: dict[str, str] = {}  # exchange -> page
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def watching_pages(self) -> set[str]:
        """The pages that hold a connection to watch running generations."""
        return set(self._watches.values())

    def follow(self, started: Started, purpose: Purpose) -> Callable[[ExchangeEvent], None] | None:
        """Learn the protocol of the app from an exchange, and which pages watch running generations.

        A reader of `Traffic`.
        """
        if isinstance(purpose, SendMessage):
            return None  # it has many events, and all other responses tell the protocol too
        if started.kind == "eventsource":
            self._watches[started.exchange_id] = started.page
        return self._take

    def _take(self, event: ExchangeEvent) -> None:
        if isinstance(event, Responded):
            self.learn(event.protocol)
        elif isinstance(event, Ended | Failed):
            self._watches.pop(event.exchange_id, None)

    def learn(self, protocol: str) -> None:
        """The protocol of a response ("http/1.1", "h2", "h3"); "" is ignored."""
        if protocol:
            self.limited = protocol.startswith(("http/1", "http/0"))
            self._admit()

    @contextlib.asynccontextmanager
    async def stream(self, count: int, waiting: Callable[[int], None]) -> AsyncIterator[None]:
        """Hold that many connections. Calls `waiting(running)` once if it has to wait."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((count, turn))
        self._admit()
        if not turn.done():
            waiting(self.running)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._admit()  # one that waits behind it may fit
            else:  # admitted in the same moment
                self._release(count)
            raise
        try:
            yield
        finally:
            self._release(count)

    def _admit(self) -> None:
        while self._waiting:
            count, turn = self._waiting[0]
            if turn.done():  # cancelled; its task notices later
                self._waiting.popleft()
                continue
            if self.limited and self.in_use and self.in_use + count > FOR_STREAMS:
                return
            self._waiting.popleft()
            self.in_use += count
            self.running += 1
            turn.set_result(None)

    def _release(self, count: int) -> None:
        self.in_use -= count
        self.running -= 1
        self._admit()
