"""The way of a first token by page, step by step, from the call of `send` to a handler.

`python -m tests.bench.first_token` prints the medians for both engines, with and without a tape, on the
stand-in in its own process.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingchat_agent import HuggingChat
from huggingchat_agent.browser.connection import CdpSession
from huggingchat_agent.browser.playwright_session import PlaywrightSession
from huggingchat_agent.browser.pump import Pump
from tests.bench.standin import open_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from huggingchat_agent.choices import EngineName

ENGINES: tuple[EngineName, ...] = ("playwright", "nodriver")
ROUNDS, WARM = 30, 5
IDLE = 0.05  # seconds before each message, as between two messages of a program

SENT = "the script goes to the browser"
EVENTS = {
    "Network.requestWillBeSent": "the browser reports the request",
    "Network.responseReceived": "the browser reports the response",
    "Network.dataReceived": "the browser hands over the token",
}
WRITTEN = "the site writes the token"
HANDLED = "the handler has it"
EMPTY = "for comparison: an empty script, there and back"
STEPS = (SENT, EVENTS["Network.requestWillBeSent"], WRITTEN, *[*EVENTS.values()][1:], HANDLED, EMPTY)


async def measure(base_url: str, engine: EngineName, *, record: bool) -> dict[str, float]:
    """By step, the median of the seconds since the call of `send`."""
    taken: dict[str, list[float]] = defaultdict(list)
    account: dict[str, Any] = {"username": "ada", "password": "correct horse"}
    with tempfile.TemporaryDirectory() as home:
        if record:
            account["record"] = Path(home, "first.tape")
        async with HuggingChat(base_url=base_url, home=Path(home), engine=engine, **account) as chat:
            await chat.login()
            conversation = await chat.new_conversation()
            for number in range(WARM + ROUNDS):
                await asyncio.sleep(IDLE)
                times: dict[str, float] = {}
                begun = time.time()

                def note(step: str, at: float = 0.0, times: dict[str, float] = times) -> None:
                    times.setdefault(step, at or time.time())

                def take(event: Any, note: Callable[..., None] = note) -> None:
                    note(WRITTEN, float(event.text.strip().partition("@")[2]))
                    note(HANDLED)

                with _watch(note):
                    reply = conversation.send("count 1 every 20", via="page")
                    reply.on("token", take)
                    await reply
                for step, at in times.items() if number >= WARM else ():
                    taken[step].append(at - begun)
            page = await chat._session.tabs.get_shared()
            for _ in range(ROUNDS):
                await asyncio.sleep(IDLE)
                begun = time.time()
                await page.evaluate("() => 0", timeout=5.0)
                taken[EMPTY].append(time.time() - begun)
    return {step: statistics.median(taken[step]) for step in STEPS}


@contextlib.contextmanager
def _watch(note: Callable[[str], None]) -> Iterator[None]:
    """Note the first command that goes to the browser, and the first event of each kind."""
    kinds: tuple[Any, ...] = (PlaywrightSession, CdpSession)
    sends, take_event = [kind.send for kind in kinds], Pump.take_event

    def watch(send: Any) -> Any:
        async def noted(self: Any, method: str, params: dict[str, Any] | None = None) -> Any:
            note(SENT)
            return await send(self, method, params)

        return noted

    def taken(self: Pump, method: str, params: dict[str, Any]) -> None:
        if method in EVENTS:
            note(EVENTS[method])
        take_event(self, method, params)

    for kind, send in zip(kinds, sends, strict=True):
        kind.send = watch(send)
    Pump.take_event = taken  # type: ignore[method-assign]
    try:
        yield
    finally:
        for kind, send in zip(kinds, sends, strict=True):
            kind.send = send
        Pump.take_event = take_event  # type: ignore[method-assign]


def table() -> list[str]:
    """Lines of Markdown."""
    with open_site() as base_url:
        found = {
            f"{engine}{', recorded' * record}": asyncio.run(measure(base_url, engine, record=record))
            for engine in ENGINES
            for record in (False, True)
        }
    lines = [f"| ms after the call of `send` | {' | '.join(found)} |", f"|---|{'---|' * len(found)}"]
    return lines + [
        f"| {step} | {' | '.join(f'{1000 * each[step]:.1f}' for each in found.values())} |" for step in STEPS
    ]


if __name__ == "__main__":
    sys.stdout.write("\n".join([*table(), ""]))
