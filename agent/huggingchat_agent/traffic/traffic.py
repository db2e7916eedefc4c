"""Traffic: takes exchange events, and hands them to readers in order.

The driver's callbacks only put events into a queue, which the event loop empties right after them: no handler
of a user runs inside the driver. A callback of the loop costs half of what waking a task does.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
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
        self._context = contextvars.copy_context()  # of the handlers, whatever puts an event in
        self._due = False  # the loop is about to empty the queue, or does so now
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
        if self._due and not self._closed:
            mark: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._queue.append(mark)
            await mark

    async def close(self) -> None:
        """Hand on the events so far, then nothing more. Close the pages first."""
        await self.wait_until_settled()
        self._closed = True

    def _wake(self) -> None:
        if not (self._due or self._closed):
            self._due = True
            asyncio.get_running_loop().call_soon(self._empty, context=self._context)

    def _empty(self) -> None:
        queue, takers, watchers = self._queue, self._takers, self._watchers
        try:
            while queue:
                event = queue.popleft()
                if isinstance(event, asyncio.Future):
                    _settle(event)
                    continue
                if isinstance(event, Started):
                    takers[event.exchange_id] = [*watchers, *self._choose(event)]
                for take in takers.get(event.exchange_id, watchers):
                    try:
                        take(event)
                    except Exception:  # a bug of one reader must not stop the others
                        log.exception("An exchange event could not be handled.")
                if isinstance(event, Ended | Failed):
                    takers.pop(event.exchange_id, None)
        finally:
            self._due = False
            # A handler may have raised KeyboardInterrupt or SystemExit. In a notebook the loop lives on.
            for each in queue:
                if isinstance(each, asyncio.Future):
                    _settle(each)

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


def _settle(mark: asyncio.Future[None]) -> None:
    with contextlib.suppress(asyncio.InvalidStateError):  # no one waits any more
        mark.set_result(None)
