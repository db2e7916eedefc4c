"""Carries the CDP events of one tab to its tap, and the tap's exchange events to the sink.

An event reaches the sink within the call that delivers it, without delay or reordering. Only the tap's
commands run as tasks. Their answers reach the tap when the driver delivers them.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol

from huggingchat_agent.browser.cdp import Cdp, Refused
from huggingchat_agent.errors import BrowserClosed, BrowserError
from huggingchat_agent.log_records import log
from huggingchat_agent.origin import parse_origin
from huggingchat_agent.wire.tap import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from huggingchat_agent.exchange import ExchangeEvent

    class Tapping(Protocol):
        """The part of a `wire.tap.Tap` that a pump uses."""

        def take_everything(self) -> None: ...
        def make_opening_commands(self) -> list[Command]: ...
        def take_event(
            self, method: str, params: dict[str, Any], at: float
        ) -> list[ExchangeEvent | Command]: ...
        def take_answer(
            self, command_id: int, result: dict[str, Any] | None, error: str, at: float
        ) -> list[ExchangeEvent | Command]: ...
        def close(self, at: float) -> list[ExchangeEvent | Command]: ...


STREAM = "Network.streamResourceContent"
NEEDED = "Chromium 122"  # the first with that command (protocol revision 1234845, December 2023)


def make_filter(base_url: str) -> Callable[[str], bool]:
    """Whether an address, as browsers write them, has the origin of the app."""
    start = f"{parse_origin(base_url)}/"  # called for every request, so it does not parse the address
    return lambda url: url.startswith(start)


class Pump:
    """One per tab. `take_event` is for the driver's event handler and never raises."""

    def __init__(self, cdp: Cdp, tap: Tapping, sink: Callable[[ExchangeEvent], None]) -> None:
        self._cdp, self._tap, self._sink = cdp, tap, sink
        self._commands: set[asyncio.Task[None]] = set()
        self._open = True

    async def open(self) -> None:
        """Make the tab report its traffic. Call it before the first navigation, so that nothing is missed.

        Raises BrowserError if the browser is too old to stream.
        """
        try:
            await self._cdp.send(STREAM, {"requestId": ""})
            reason = ""
        except Refused as refused:  # as expected: there is no such request
            reason = refused.reason
        if "wasn't found" in reason:
            raise BrowserError(
                f"This browser cannot hand over an answer while it arrives; use {NEEDED} or newer."
            )
        for command in self._tap.make_opening_commands():
            await self._run(command)

    def take_everything(self) -> None:
        """From now on the bodies of scripts, styles and pictures too."""
        self._tap.take_everything()

    def take_event(self, method: str, params: dict[str, Any]) -> None:
        """Hand over one event, in the order of arrival."""
        if self._open:
            self._deal(self._tap.take_event, method, params, time.monotonic())

    def close(self) -> None:
        """Report open exchanges as failed, and nothing after that. Calling it twice is fine."""
        if not self._open:
            return
        self._open = False
        for task in self._commands:
            task.cancel()
        self._deal(self._tap.close, time.monotonic())

    async def wait_closed(self) -> None:
        """After `close`: wait until its tasks are gone."""
        await asyncio.gather(*self._commands, return_exceptions=True)

    def _deal(self, step: Callable[..., Iterable[ExchangeEvent | Command]], *arguments: Any) -> None:
        # An exception must not reach the driver: it would surface in some unrelated call.
        try:
            outcome = step(*arguments)
        except Exception:
            log.exception("A message of the browser could not be read.")
            return
        for each in outcome:
            if isinstance(each, Command):
                self._start(each)
                continue
            try:
                self._sink(each)
            except Exception:  # as above
                log.exception("The sink could not handle an exchange event.")

    def _start(self, command: Command) -> None:
        if self._open:
            task = asyncio.create_task(self._run(command), name=f"tap {command.method}")
            self._commands.add(task)
            task.add_done_callback(self._commands.discard)

    async def _run(self, command: Command) -> None:
        result, reason = None, ""
        try:
            result = await self._cdp.send(command.method, command.params)
        except Refused as refused:
            reason = refused.reason
        except BrowserClosed:
            return
        if self._open:
            self._deal(self._tap.take_answer, command.id, result, reason, time.monotonic())
