"""Traffic: takes exchange events, and hands them to readers in order, in one task.

The driver's callbacks only put events into a queue: no handler of a user runs inside the driver.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, TypeAlias

from huggingchat_agent.events import Seen
from huggingchat_agent.exchange import Ended, Failed, Started
from huggingchat_agent.log_records import log
from huggingchat_agent.traffic.privacy import Privacy
from huggingchat_agent.wire.routes import classify

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.emitter import Emitter
    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.wire.purposes import Purpose

    Take: TypeAlias = Callable[[ExchangeEvent], object]
    Reader: TypeAlias = Callable[[Started, Purpose], Take | None]


class Traffic:
    """Live, attached and replayed exchanges, for everything that reads them.

    `base_path` is the app's path on its host. Exchanges of the sign-in end here (see `privacy.py`). Watchers
    come before readers, each in the order of adding. An exception of one of them is logged.
    """

    def __init__(self, base_path: str) -> None:
        self._base_path = base_path
        self._privacy = Privacy(base_path)
        self._readers: list[Reader] = []
        self._watchers: list[Take] = []
        self._hidden: list[Callable[[], object]] = []
        self._takers: dict[str, list[Take]] = {}  # by open exchange
        self._queue: deque[ExchangeEvent | asyncio.Future[None]] = deque()
        self._idle: asyncio.Future[None] | None = None  # what the task waits for
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def read(self, reader: Reader) -> None:
        """Offer every exchange to a reader as it starts, with its purpose. A function that the reader
        returns gets the events of that exchange, `Started` first.
        """
        self._readers.append(reader)

    def watch(self, watcher: Take, *, hidden: Callable[[], object] | None = None) -> None:
        """Hand every event to a watcher. Calls `hidden` for each page whose document it may not see."""
        self._watchers.append(watcher)
        if hidden is not None:
            self._hidden.append(hidden)

    def show(self, emitter: Emitter) -> None:
        """Emit every event as `exchange` while that has handlers."""

        def show(event: ExchangeEvent) -> None:
            if emitter._listening(Seen.name):
                emitter.emit(Seen(exchange=event))

        self.watch(show)

    def put(self, event: ExchangeEvent) -> None:
        """Take an event from a driver's callback, or from a tape."""
        shown = self._privacy.show(event)
        if shown is not None:
            self._queue.append(shown)
            self._wake()
        elif isinstance(event, Started) and event.kind == "document":
            for hidden in self._hidden:
                hidden()

    async def wait_until_settled(self) -> None:
        """Wait until every event so far has been handed on."""
        if self._task is None or self._closed:
            return
        mark: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(mark)
        self._wake()
        await asyncio.wait({mark, self._task}, return_when=asyncio.FIRST_COMPLETED)

    async def close(self) -> None:
        """Hand on the events so far, then nothing more. Close the pages first."""
        await self.wait_until_settled()
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _wake(self) -> None:
        idle, self._idle = self._idle, None
        if idle is not None and not idle.done():
            idle.set_result(None)
        # A handler may have raised KeyboardInterrupt or SystemExit. In a notebook the loop lives on.
        elif (self._task is None or self._task.done()) and not self._closed:
            self._task = asyncio.create_task(self._hand_on(), name="traffic")
            # The loop has reported that exception already.
            self._task.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _hand_on(self) -> None:
        loop = asyncio.get_running_loop()
        event: ExchangeEvent | asyncio.Future[None] | None
        take: Take | None
        while True:
            while self._queue:
                event = self._queue.popleft()
                if isinstance(event, asyncio.Future):
                    with contextlib.suppress(asyncio.InvalidStateError):  # no one waits any more
                        event.set_result(None)
                    continue
                if isinstance(event, Started):
                    self._takers[event.exchange_id] = [*self._watchers, *self._choose(event)]
                for take in self._takers.get(event.exchange_id, self._watchers):
                    try:
                        take(event)
                    except Exception:  # a bug of one reader must not stop the others
                        log.exception("An exchange event could not be handled.")
                if isinstance(event, Ended | Failed):
                    self._takers.pop(event.exchange_id, None)
            event = take = None  # else the task keeps the last reader alive, and its reply
            self._idle = loop.create_future()
            await self._idle

    def _choose(self, started: Started) -> list[Take]:
        """The handlers that readers return for the exchange."""
        purpose = classify(started.method, started.url, self._base_path, started.kind)
        chosen = []
        for reader in self._readers:
            try:
                take = reader(started, purpose)
            except Exception:  # as above
                log.exception("An exchange could not be followed.")
            else:
                chosen += [take] if take is not None else []
        return chosen
