"""How long a prompt of many lines takes to its first token, by ui and by page.

`python -m tests.bench.long_prompts [URL]` prints it for both engines, on the stand-in or the app at URL, with
the account of HUGGINGCHAT_USERNAME and HUGGINGCHAT_PASSWORD.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingchat_agent import HuggingChat
from tests.bench.standin import open_site
from tests.live import own_account

if TYPE_CHECKING:
    from huggingchat_agent.choices import EngineName, Via

ENGINES: tuple[EngineName, ...] = ("playwright", "nodriver")
LINES = (100, 3_000, 10_000)
ROUNDS = 3
WAYS: tuple[Via, ...] = ("auto", "ui", "page")
LINE = "    for number, line in enumerate(lines):  # of a source file"


async def measure(base_url: str, engine: EngineName, account: dict[str, Any]) -> dict[tuple[int, Via], float]:
    """By lines and way, the median of the seconds to the first token. The first round does not count."""
    taken: dict[tuple[int, Via], list[float]] = {}
    with tempfile.TemporaryDirectory() as home:
        async with HuggingChat(base_url=base_url, home=Path(home), engine=engine, **account) as chat:
            await chat.login()
            for number in range(ROUNDS + 1):
                for lines in LINES:
                    for via in WAYS:
                        async with await chat.new_conversation(temporary=True) as conversation:
                            await conversation.send("hello", via=via)
                            begun = time.perf_counter()
                            async with conversation.send("\n".join([LINE] * lines), via=via) as reply:
                                async for event in reply:
                                    if event.name == "token":
                                        took = time.perf_counter() - begun
                                        break
                            if number:
                                taken.setdefault((lines, via), []).append(took)
    return {case: statistics.median(seconds) for case, seconds in taken.items()}


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else ""
    account = {} if url else {"username": "ada", "password": "correct horse"}
    lines = ["| engine | lines | auto, s | ui, s | page, s |", "|---|---|---|---|---|"]
    with contextlib.ExitStack() as stack:
        if url:
            own_account.use_for(url, [])
        base_url = url or stack.enter_context(open_site())
        for engine in ENGINES:
            found = asyncio.run(measure(base_url, engine, account))
            lines += [
                f"| {engine} | {count:,} | {' | '.join(f'{found[count, via]:.2f}' for via in WAYS)} |"
                for count in LINES
            ]
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
