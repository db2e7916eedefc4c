"""Connects to one of several running browsers: one that answers, and has the least to do.

The load of a server is its number of sessions, if it has the path `/pressure`. The load of a browser is its
number of tabs (CDP). A Playwright server says only that it is there. Servers that do not answer are left out.
Those where a connection or a browser failed a moment ago come last.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from huggingchat_agent.browser.devtools_endpoint import NoAnswer, Unknown, fetch
from huggingchat_agent.browser.start_failures import make_all_dead_error
from huggingchat_agent.errors import BrowserError
from huggingchat_agent.log_records import log

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from huggingchat_agent.endpoint import Endpoint

T = TypeVar("T")

AVOID_SECONDS = 60.0  # after a failure

_UNKNOWN = 2**31  # sessions, of a server that does not say how many it has


class Load(NamedTuple):
    """What a server says about itself. The smaller one is better."""

    full: bool
    sessions: int


class Held:
    """A connection of this process. `release` it when its browser is gone."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        _held[endpoint] += 1

    def release(self, *, failed: bool = False) -> None:
        """`failed`: the browser went away by itself."""
        _held[self.endpoint] -= 1
        if failed:
            _failed_at[self.endpoint] = time.monotonic()


_held: Counter[Endpoint] = Counter()
_failed_at: dict[Endpoint, float] = {}


async def connect(
    endpoints: Sequence[Endpoint], open_one: Callable[[Endpoint], Awaitable[T]]
) -> tuple[Held, T]:
    """Connect to the best one that accepts. Raises BrowserError, with a reason for each, if none does."""
    if len(endpoints) == 1:
        opened = await open_one(endpoints[0])
        return Held(endpoints[0]), opened
    reasons: list[str] = []
    for endpoint in await _rank(endpoints, reasons):
        try:
            opened = await open_one(endpoint)
        except BrowserError as error:
            reasons.append(error.message)
            _failed_at[endpoint] = time.monotonic()
            log.warning("%s", error.message)
        else:
            log.info("Connected to the browser at %s.", endpoint)
            return Held(endpoint), opened
    raise make_all_dead_error(reasons)


async def read_load(endpoint: Endpoint) -> Load:
    """Ask a server for its load. Raises NoAnswer if it does not answer."""
    try:
        if load := _read_pressure(await fetch(endpoint, "/pressure")):
            return load
    except Unknown:
        pass
    try:
        if not endpoint.cdp:
            await fetch(endpoint, "/json")
            return Load(False, 0)
        await fetch(endpoint, "/json/version")
        targets = await fetch(endpoint, "/json/list")
    except Unknown:
        return Load(False, _UNKNOWN)  # something is there; connecting will show what
    pages = [each for each in targets if isinstance(each, dict) and each.get("type") == "page"]
    return Load(False, len(pages))


def _read_pressure(answer: Any) -> Load | None:
    found = answer.get("pressure") if isinstance(answer, dict) else None
    if not isinstance(found, dict):
        return None
    counts = [found.get("running"), found.get("queued")]
    return Load(not found.get("isAvailable", True), sum(each for each in counts if isinstance(each, int)))


async def _rank(endpoints: Sequence[Endpoint], reasons: list[str]) -> list[Endpoint]:
    """Those that answer, the best first. Adds the reasons of the others."""
    answers = await asyncio.gather(*map(read_load, endpoints), return_exceptions=True)
    ranks: list[tuple[tuple[object, ...], Endpoint]] = []
    for endpoint, answer in zip(endpoints, answers, strict=True):
        if isinstance(answer, NoAnswer):
            reasons.append(f"{endpoint}: {answer}")
            log.info("No browser answers at %s: %s", endpoint, answer)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            lately = time.monotonic() - _failed_at.get(endpoint, -AVOID_SECONDS) < AVOID_SECONDS
            # Shuffle equal ones: many processes that start at once must not all choose the first.
            rank = (answer.full, lately, answer.sessions, _held[endpoint], random.random())
            ranks.append((rank, endpoint))
    return [endpoint for _, endpoint in sorted(ranks, key=lambda each: each[0])]
