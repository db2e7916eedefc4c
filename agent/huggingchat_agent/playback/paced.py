"""Calls that a tape answers with the recorded timing: a message's stream comes as slowly as it once did."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import msgspec

from huggingchat_agent.playback.player import check_speed
from huggingchat_agent.playback.taped import TapedCalls, read_fields
from huggingchat_agent.site.calls import CallResult
from huggingchat_agent.wire import purposes, routes

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.playback.faults import Fault
    from huggingchat_agent.settings import Settings
    from huggingchat_agent.wire.requests import Call

_STOPPED = CallResult(status=200, mime="application/json", redirected=False, headers={}, body="{}")


class PacedCalls(TapedCalls):
    """Streams take as long as they did, divided by `speed`; speed 0 takes no time.

    Each message takes the first of `faults` away, and fails in that way. A stream that is stopped goes to its
    recorded end at once.
    """

    def __init__(
        self, settings: Settings, sink: Callable[[ExchangeEvent], None], *, speed: float, faults: list[Fault]
    ) -> None:
        super().__init__(settings, sink)
        self._speed, self._upcoming = check_speed(speed), faults
        self._streams: dict[str, tuple[str, _Stream]] = {}  # with the path of their message, by key

    async def start(self, request: Call, key: str, *, timeout: float) -> None:
        faults = [self._upcoming.pop(0)] if self._upcoming else []
        events = self._find(
            self._require_matcher(),
            request.method,
            self._settings.base_url + request.path,
            read_fields(request),
            faults,
        )
        self._streams[key] = request.path, _Stream(events, self._sink, self._speed)

    async def abort(self, key: str, *, timeout: float) -> None:
        if key in self._streams:
            self._streams.pop(key)[1].finish()

    async def download(self, request: Call, *, timeout: float) -> tuple[CallResult, bytes]:
        purpose = routes.classify(request.method, request.path, "")
        if isinstance(purpose, purposes.StopGenerating):
            for path, stream in self._streams.values():
                if purpose.conversation_id in path:
                    stream.finish()
            return _STOPPED, b""
        return await super().download(request, timeout=timeout)


class _Stream:
    """A stream on its way."""

    def __init__(
        self, events: list[ExchangeEvent], sink: Callable[[ExchangeEvent], None], speed: float
    ) -> None:
        self._sink = sink
        self._left = events[::-1]
        self._task = asyncio.create_task(self._run(speed), name="play a stream")

    def finish(self) -> None:
        """Play what is left, at once."""
        self._task.cancel()
        while self._left:
            self._give()

    async def _run(self, speed: float) -> None:
        first, began = self._left[-1].at, time.monotonic()
        while self._left:
            if speed and (wait := began + (self._left[-1].at - first) / speed - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            self._give()

    def _give(self) -> None:
        self._sink(msgspec.structs.replace(self._left.pop(), at=time.monotonic()))
