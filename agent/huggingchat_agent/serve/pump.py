"""Runs an answer in its own task, so that its end does not depend on the client's connection."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from huggingchat_agent.serve.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from huggingchat_agent.serve.question import Piece


class Pump:
    """Takes the pieces of an answer as they come."""

    def __init__(self, pieces: AsyncGenerator[Piece, None], tasks: set[asyncio.Task[None]]) -> None:
        """`tasks` holds the task until it is done."""
        self._queue: asyncio.Queue[Piece | BaseException] = asyncio.Queue()
        self._task = asyncio.create_task(self._run(pieces), name="answer a client")
        tasks.add(self._task)
        self._task.add_done_callback(tasks.discard)

    async def get(self, timeout: float | None = None) -> Piece:
        """The next piece; the last is an Outcome. Raises what went wrong, and TimeoutError."""
        async with asyncio.timeout(timeout):
            found = await self._queue.get()
        if isinstance(found, BaseException):
            raise found
        return found

    def stop(self) -> None:
        """Stop the run on the server. Does nothing once it is over."""
        self._task.cancel()

    async def _run(self, pieces: AsyncGenerator[Piece, None]) -> None:
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    self._queue.put_nowait(piece)
        except asyncio.CancelledError:
            self._queue.put_nowait(Refusal(503, "The answer was stopped.", kind="server_error"))
            raise
        except Exception as error:
            self._queue.put_nowait(error)
