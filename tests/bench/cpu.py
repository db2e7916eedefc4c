"""What one update of an answer costs the processor: from the driver's callback to a handler, and on a tape.

No browser and no network: `rig` hands over the messages of a browser. The figures are CPU time, so a busy
machine changes them little.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from huggingchat_agent.setting_values import Record
from tests.bench.rig import open_rig, pause, token_line
from tests.wire import cdp

UPDATES = 8000
CHUNKS = (1, 20, 200)  # updates that arrive together


class Cost(NamedTuple):
    """Microseconds of CPU time for one update: of the thread with the handlers, and of the whole process."""

    handlers: float
    process: float


async def measure(together: int, *, record: bool) -> Cost:
    """The cost where so many updates arrive together."""
    lines = [token_line(number) for number in range(UPDATES)]
    chunks = [b"".join(lines[at : at + together]) for at in range(0, UPDATES, together)]
    messages = [cdp.data(len(chunk), chunk) for chunk in chunks]
    count = 0

    def handle(event: object) -> None:
        nonlocal count
        count += 1

    with tempfile.TemporaryDirectory() as folder:
        tape = Record(Path(folder, "a.tape"), pictures=False) if record else None
        async with open_rig(record=tape, home=folder) as rig:
            rig.reply.on("token", handle)
            opened, thread = time.process_time(), time.thread_time()
            for message in messages:
                rig.tell(message)
                await asyncio.sleep(0)
            await pause()
            thread = time.thread_time() - thread
            assert count == UPDATES, count
        whole = time.process_time() - opened
    return Cost(1e6 * thread / UPDATES, 1e6 * whole / UPDATES)


async def measure_loop() -> float:
    """Microseconds of CPU time that the event loop takes for one turn with nothing to do in it."""
    begun = time.thread_time()
    for _ in range(UPDATES):
        await asyncio.sleep(0)
    return 1e6 * (time.thread_time() - begun) / UPDATES


def best(together: int, *, record: bool, rounds: int = 5) -> Cost:
    """The lowest of several measurements: other programs only add to it."""
    found = [asyncio.run(measure(together, record=record)) for _ in range(rounds)]
    return Cost(min(each.handlers for each in found), min(each.process for each in found))


def measure_chunks(rounds: int = 5) -> dict[int, tuple[Cost, Cost]]:
    """By the size of a chunk: the cost without a tape and with one."""
    return {
        together: (
            best(together, record=False, rounds=rounds),
            best(together, record=True, rounds=rounds),
        )
        for together in CHUNKS
    }


def table(costs: dict[int, tuple[Cost, Cost]]) -> list[str]:
    """Lines of Markdown."""
    lines = [
        "| updates that arrive together | decode and emit, µs | updates/s | recorded: handlers' thread, µs "
        "| recorded: process, µs |",
        "|---|---|---|---|---|",
    ]
    for together, (off, on) in costs.items():
        lines.append(
            f"| {together} | {off.handlers:.2f} | {1e6 / off.handlers:,.0f} | {on.handlers:.2f} "
            f"| {on.process:.2f} |"
        )
    loop = min(asyncio.run(measure_loop()) for _ in range(5))
    return [
        *lines,
        "",
        f"Each arrival is a turn of the event loop. That alone takes {loop:.2f} µs of it.",
    ]


if __name__ == "__main__":
    print(*table(measure_chunks()), sep="\n")  # noqa: T201
