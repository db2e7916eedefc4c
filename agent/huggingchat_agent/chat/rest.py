"""Waits until no run is writing into a conversation."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from huggingchat_agent.errors import UsageError
from huggingchat_agent.turn.written import is_running

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from huggingchat_agent.wire.conversations import ConversationRead

# Seconds between two looks at a run of another client. The app reports its end only to its own pages.
RUN_PAUSE = 0.5


async def read_at_rest(
    read_once: Callable[[], Awaitable[ConversationRead]], patience: float, note_wait: Callable[[], object]
) -> ConversationRead:
    """The conversation, once no run writes into it. Calls `note_wait` once if it has to wait.

    Sending beside a run makes a fork, or loses the text of the other run. The agent cannot see every run: its
    stream may have broken, or another client may have started it. Raises UsageError after `patience` seconds.
    """
    end = time.monotonic() + patience
    waiting = False
    while True:
        read = await read_once()
        if not is_running(read, read.active_leaf()):
            return read
        if time.monotonic() > end:
            raise UsageError(
                f"Conversation {read.id} still has a run that writes an answer: another client started it, "
                "or its stream broke. Wait until it ends, or stop it, before you send."
            )
        if not waiting:
            waiting = True
            note_wait()
        await asyncio.sleep(RUN_PAUSE)
