"""The commands that the browser gets to send one message, from the call of `send` to the app's request.

    scripts/round-trips [--engine NAME]         prints them, by ui and by page, with the time of each

A message goes into a conversation that was used before. Commands that run at the same time are one round
trip.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat
from huggingchat_agent.browser import in_page
from huggingchat_agent.browser.connection import CdpSession
from huggingchat_agent.browser.playwright_session import PlaywrightSession
from huggingchat_agent.site import calls
from huggingchat_agent.site.gestures import composer, dialogs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggingchat_agent.chat.conversation import Conversation
    from huggingchat_agent.choices import EngineName, Via

# Of the tap, which asks while the answer comes; and of the heartbeat, which asks at its own times.
ASIDE = (
    *("Network.streamResourceContent", "Network.getRequestPostData", "Network.getResponseBody"),
    "Browser.getVersion",
)
# Scripts that are part of others.
GENERAL = ("CHANGED", "UNTIL", "MIDDLE", "GUARD", "FOCUS")

# Asks what became of the press, when the message is on its way.
AFTER = "Runtime.evaluate READ_GUARD"


class Step(NamedTuple):
    """One command; times in seconds since the call of `send`."""

    what: str
    start: float
    end: float


class Steps(list[Step]):
    """The commands of one message."""

    seconds = 0.0  # until the app made its request

    @property
    def round_trips(self) -> int:
        """How often something was waited for."""
        count, until = 0, -1.0
        for step in sorted(self, key=lambda each: each.start):
            count += step.start >= until
            until = max(until, step.end)
        return count


async def take_steps(conversation: Conversation, via: Via, prompt: str = "hello") -> Steps:
    """Send a message, and return the commands up to the app's request. Waits for the answer."""
    with _watch_commands() as steps:
        began = time.perf_counter()
        reply = conversation.send(prompt, via=via)
        posted = asyncio.Event()
        reply.on("started", lambda event: posted.set())
        await posted.wait()
        end = time.perf_counter()
        await reply
    before = [each for each in steps if each.start < end and each.what != AFTER]
    found = Steps(Step(each.what, each.start - began, each.end - began) for each in before)
    found.seconds = end - began
    return found


@contextlib.contextmanager
def _watch_commands() -> Iterator[list[Step]]:
    steps: list[Step] = []
    kinds: tuple[Any, ...] = (PlaywrightSession, CdpSession)
    sends = [kind.send for kind in kinds]

    def watch(send: Any) -> Any:
        async def timed(self: Any, method: str, params: dict[str, Any] | None = None) -> Any:
            start = time.perf_counter()
            try:
                return await send(self, method, params)
            finally:
                if method not in ASIDE:
                    steps.append(Step(_name(method, params or {}), start, time.perf_counter()))

        return timed

    for kind, send in zip(kinds, sends, strict=True):
        kind.send = watch(send)
    try:
        yield steps
    finally:
        for kind, send in zip(kinds, sends, strict=True):
            kind.send = send


def _name(method: str, params: dict[str, Any]) -> str:
    """The command, with the name of its script or the kind of its event."""
    source = str(params.get("expression") or params.get("functionDeclaration") or "")
    names = [
        (len(value), name.strip("_"))
        for module in (in_page, composer, dialogs, calls)
        for name, value in vars(module).items()
        if name.strip("_").isupper() and isinstance(value, str) and len(value) > 20 and value in source
    ]
    names = [each for each in names if each[1] not in GENERAL] or names
    detail = max(names)[1] if names else str(params.get("type", ""))
    return f"{method} {detail}".strip()


async def measure(engine: EngineName) -> list[str]:
    """The commands of a message by ui and one by page, each with its time, as lines of text."""
    lines: list[str] = []
    with StandIn() as site, tempfile.TemporaryDirectory() as home:
        account: dict[str, Any] = {"username": site.username, "password": site.password}
        async with HuggingChat(base_url=site.url, home=home, engine=engine, **account) as chat:
            await chat.login()
            conversation = await chat.new_conversation()
            ways: tuple[Via, ...] = ("ui", "page")
            for via in ways:
                for _ in range(3):  # the last one counts
                    steps = await take_steps(conversation, via)
                lines.append(
                    f"{via}: {len(steps)} commands in {steps.round_trips} round trips, "
                    f"{1000 * steps.seconds:.1f} ms to the request"
                )
                for each in sorted(steps, key=lambda each: each.start):
                    took = 1000 * (each.end - each.start)
                    lines.append(f"  {1000 * each.start:7.1f} ms  {took:6.1f} ms  {each.what}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/round-trips", description=__doc__)
    parser.add_argument("--engine", default="playwright", choices=("playwright", "nodriver"))
    arguments = parser.parse_args()
    sys.stdout.write("\n".join([*asyncio.run(measure(arguments.engine)), ""]))


if __name__ == "__main__":
    main()
