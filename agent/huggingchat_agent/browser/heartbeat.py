"""Notices a browser that hangs: it runs, but answers nothing."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

EVERY = 5.0  # seconds between an answer and the next question
PATIENCE = 15.0  # seconds for an answer
_LATE = 1.0  # a wait that ends so many seconds late says nothing: this process was stopped


async def wait_until_silent(ask: Callable[[], Awaitable[object]]) -> None:
    """Return when a question gets no answer for PATIENCE seconds. An error is an answer."""
    while True:
        await asyncio.sleep(EVERY)
        due = asyncio.get_running_loop().time() + PATIENCE
        try:
            async with asyncio.timeout(PATIENCE):
                with contextlib.suppress(Exception):
                    await ask()
        except TimeoutError:
            if asyncio.get_running_loop().time() - due < _LATE:
                return
