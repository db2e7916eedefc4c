"""Turns are born on the wire.

A turn begins when a tab posts a message. The agent may have made it do so, a person in the window, or
a test that types by itself. A sender of the agent lays a claim first, and gets the turn that fits it: by
the generation id that it chose, or as the first post of its tab to its conversation.

The tracker only watches. It is a reader of the traffic, whose one task calls it in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING

from huggingchat_agent.errors import AgentError
from huggingchat_agent.exchange import Chunk, Ended
from huggingchat_agent.turn.turn import Turn
from huggingchat_agent.wire import multipart, purposes
from huggingchat_agent.wire.conversations import parse_conversation

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent import events
    from huggingchat_agent.exchange import ExchangeEvent, Started
    from huggingchat_agent.turn.app import App
    from huggingchat_agent.wire.purposes import Purpose


class Claim:
    """A sender's claim to the turn of its next post. `turn` resolves to it; `withdraw` gives the claim up.

    `listener` gets the events of the turn, except a failure because the app no longer knows the session:
    `on_rejected` gets that instead, where it is given.
    """

    def __init__(
        self,
        tracker: TurnTracker,
        *,
        page_id: str,
        conversation_id: str,
        via: str,
        listener: Callable[[events.TurnEvent], object] | None,
        on_rejected: Callable[[events.Failed], object] | None = None,
        generation_id: str | None = None,
    ) -> None:
        self.page_id, self.conversation_id = page_id, conversation_id
        self.via, self.generation_id = via, generation_id
        self.listener, self.on_rejected = listener, on_rejected
        self.turn: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        self._tracker = tracker
        tracker.claims.append(self)

    def fits(self, page_id: str, conversation_id: str, generation_id: str | None) -> bool:
        if self.generation_id and generation_id:
            return self.generation_id == generation_id
        return (page_id, conversation_id) == (self.page_id, self.conversation_id)

    def withdraw(self) -> None:
        with contextlib.suppress(ValueError):
            self._tracker.claims.remove(self)


class TurnTracker:
    """Watches the exchanges with an app and builds turns from them.

    `publish(turn, event)` is called for every event of every turn, except where its claim has a
    listener: then that is called. `on_answer(turn)` is called when a turn has its answer, before that
    is published.
    """

    def __init__(
        self,
        app: App,
        publish: Callable[[Turn, events.TurnEvent], object],
        on_answer: Callable[[Turn], object] = lambda turn: None,
    ) -> None:
        self.app, self.publish, self.on_answer = app, publish, on_answer
        self.claims: list[Claim] = []
        self._numbers = itertools.count(1)
        self._running: set[Turn] = set()  # until done
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self, started: Started, purpose: Purpose) -> Callable[[ExchangeEvent], object] | None:
        """Make a turn of a message that was posted, and see stops and reads. A reader of `Traffic`."""
        if isinstance(purpose, purposes.SendMessage):
            return self._birth(started, purpose.conversation_id).feed
        if isinstance(purpose, purposes.StopGenerating):
            for turn in self._running:
                if turn.running and turn.conversation_id == purpose.conversation_id:
                    turn.stop_seen = True
        elif isinstance(purpose, purposes.ReadConversation) and self.running(purpose.conversation_id):
            return self._follow_read(started.at, purpose.conversation_id)
        return None

    def number(self) -> int:
        """The number of the next turn."""
        return next(self._numbers)

    def running(self, conversation_id: str) -> bool:
        """Whether a turn of that conversation is under way, whichever client started it."""
        return any(turn.conversation_id == conversation_id for turn in self._running)

    def page_of(self, number: int) -> str:
        """The tab that a turn under way was sent from; "" if there is no such turn."""
        return next((turn.page_id for turn in self._running if turn.number == number), "")

    async def close(self) -> None:
        """Let every turn come to its end. The traffic must be closed before."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _birth(self, started: Started, conversation_id: str) -> Turn:
        request = multipart.parse_send_fields(started.body, started.headers.get("content-type", "")) or {}
        generation_id = request.get("generationId")
        claim = next(
            (each for each in self.claims if each.fits(started.page, conversation_id, generation_id)), None
        )
        turn = Turn(self, started, conversation_id, request, self.number(), claim)
        self._running.add(turn)
        if claim is not None:
            claim.withdraw()
            if not claim.turn.done():
                claim.turn.set_result(turn)
        task = asyncio.create_task(turn.run(), name=f"turn {turn.number}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._running.discard(turn))
        return turn

    def _follow_read(self, started_at: float, conversation_id: str) -> Callable[[ExchangeEvent], None]:
        """Offer what another reads of a conversation to the turns that are under way in it."""
        body = bytearray()

        def take(event: ExchangeEvent) -> None:
            if isinstance(event, Chunk):
                body.extend(event.data)
            elif isinstance(event, Ended):
                # Of an error answer there is nothing to parse; the page that asked deals with it.
                with contextlib.suppress(AgentError):
                    read = parse_conversation(bytes(body))
                    for turn in self._running:
                        if turn.conversation_id == conversation_id:
                            turn.offer(read, started_at)

        return take
