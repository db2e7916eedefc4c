"""How many Python functions are called between the driver's callback and a user's handler, for one token.

A recorded answer is handed over line by line as a driver does, through all that a message sent by page
runs through: CDP session, page, pump, tap, traffic, turn, reply, conversation and chat. No browser is
started. What the event loop calls by itself is not counted.

    scripts/token-path          prints the calls
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from tests.bench.rig import open_rig, pause
from tests.wire import cdp
from tests.wire.recordings import read_exchange

RECORDED = ("2026-08", "stop", 1)  # 65 tokens
# What the event loop calls by itself, and this module.
ASIDE = (
    *("asyncio/base_events.py", "asyncio/events.py", "asyncio/selector_events.py", "asyncio/tasks.py"),
    *("selectors.py", "tests/bench/rig.py", __file__),
)


class Counter:
    """Names the calls from `begin` to `end`."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.tokens: list[list[str]] = []

    def begin(self) -> None:
        self.calls = []
        sys.setprofile(self._note)

    def end(self) -> None:
        sys.setprofile(None)
        self.tokens.append(self.calls)

    def _note(self, frame: Any, event: str, argument: object) -> None:
        code = frame.f_code
        if event == "call" and not code.co_filename.endswith(ASIDE):
            self.calls.append(f"{code.co_filename.rpartition('/')[2]}:{code.co_qualname}")


async def measure(**settings: Any) -> list[list[str]]:
    """The calls of each token of the recorded answer, in order. Settings are those of HuggingChat."""
    counter = Counter()
    text: list[str] = []
    async with open_rig(**settings) as rig:

        @rig.chat.on("token")
        def handle(event: Any) -> None:
            counter.end()
            text.append(event.text)

        for line in (read_exchange(*RECORDED).body or b"").splitlines(keepends=True):
            message = cdp.data(len(line), line)
            counter.begin()
            rig.tell(message)
            await pause()
            sys.setprofile(None)
        assert rig.reply.text == "".join(text)
    return counter.tokens


def main() -> None:
    first, *others = asyncio.run(measure())
    sys.stdout.write("\n".join([*others[-1], ""]))
    counts = sorted({len(each) for each in others})
    sys.stdout.write(f"{', '.join(map(str, counts))} calls for each of {len(others)} tokens, ")
    sys.stdout.write(f"{len(first)} for the first, where reasoning is looked for.\n")


if __name__ == "__main__":
    main()
