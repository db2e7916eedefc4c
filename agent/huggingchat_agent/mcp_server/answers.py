"""Asks in threads, so that the server can still report progress and take other calls or a stop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from huggingchat_agent import events
from huggingchat_agent.agent_events import log_events
from huggingchat_agent.errors import AgentError, ChatError
from huggingchat_agent.wire.tool_results import find_linked_pages

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from huggingchat_agent.answer import Answer
    from huggingchat_agent.browser.protocols import Upload
    from huggingchat_agent.warm.chat import WarmChat
    from huggingchat_agent.warm.conversation import WarmConversation, WarmReply
    from huggingchat_agent.warm.sessions import Sessions

PACE = 0.2  # seconds between two reports of progress


@dataclass
class Said:
    """An answer. `stopped`: the run was ended early. `sources` are addresses of pages."""

    text: str
    conversation_id: str
    model: str
    reasoning: str = ""
    stopped: bool = False
    sources: list[str] = field(default_factory=list)


class Answers:
    """The answers under way, by conversation."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._running: dict[str, WarmReply] = {}

    async def ask(
        self,
        begin: Callable[[WarmChat], WarmConversation],
        prompt: str,
        files: Sequence[Upload],
        report: Callable[[int, str], Awaitable[None]],
    ) -> Said:
        """The answer of a conversation. `report` gets the characters so far, and the new ones.

        The run stops where the caller is cancelled.
        """
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[str | None] = asyncio.Queue()
        begun: list[WarmReply] = []

        def work() -> Said:
            try:
                with self._sessions.open() as chat, begin(chat) as talk:
                    if talk.id in self._running:
                        raise ChatError("This conversation is answering. Wait, or call `stop`.")
                    with talk.send(prompt, via="page", files=files) as reply:
                        begun.append(reply)
                        self._running[talk.id] = reply
                        try:
                            return _read(reply, talk, lambda text: put(text))
                        finally:
                            del self._running[talk.id]
            finally:
                put(None)

        def put(text: str | None) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, text)

        working = asyncio.create_task(asyncio.to_thread(work))
        try:
            await _report(pieces, report)
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            for reply in begun:
                await asyncio.shield(asyncio.to_thread(_stop, reply))
            raise
        finally:
            working.add_done_callback(_take_error)

    async def stop(self, conversation_id: str) -> bool:
        """Stop the answer of a conversation. False if none of ours is running."""
        reply = self._running.get(conversation_id)
        if reply is not None:
            await asyncio.to_thread(_stop, reply)
        return reply is not None


def _read(reply: WarmReply, talk: WarmConversation, put: Callable[[str], None]) -> Said:
    log_events(reply)
    for event in reply:
        if isinstance(event, events.Token):
            put(event.text)
        elif isinstance(event, events.ElicitationRequested):
            raise ChatError(f"A tool of the app asks, and nobody is here to answer: {event.message}")
    answer = reply.result()
    return Said(
        text=answer.text,
        conversation_id=talk.id,
        model=answer.router.model if answer.router is not None and answer.router.model else talk.model or "",
        reasoning=answer.reasoning,
        stopped=answer.interrupted,
        sources=list_sources(answer),
    )


async def _report(pieces: asyncio.Queue[str | None], report: Callable[[int, str], Awaitable[None]]) -> None:
    """Report the text as it comes, not more often than PACE."""
    length, text, last = 0, "", 0.0
    while True:
        piece = await pieces.get()
        text += piece or ""
        now = time.monotonic()
        if text and (piece is None or now - last >= PACE):
            length += len(text)
            await report(length, text)
            text, last = "", now
        if piece is None:
            return


def list_sources(answer: Answer) -> list[str]:
    """The addresses that a search found or a tool links to, each once."""
    found: list[Any] = [each.uri for each in answer.sources]
    found += [page["url"] for tool in answer.tools for page in find_linked_pages(tool.outputs)]
    return list(dict.fromkeys(found))


def _stop(reply: WarmReply) -> None:
    with contextlib.suppress(AgentError):  # it has just ended
        reply.ask_to_stop()


def _take_error(task: asyncio.Task[Said]) -> None:
    """Retrieve the error of a cancelled call, which nobody else reads."""
    if not task.cancelled():
        task.exception()
