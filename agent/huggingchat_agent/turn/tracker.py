"""Turns are born on the wire.

A turn begins when a tab posts a message, whether for the agent, a person in the window, or a test that types
by itself. A sender of the agent lays a claim first and gets the turn that fits it: by the generation id that
it chose, or as the first post of its tab to its conversation.

The tracker only watches. It is a reader of the traffic, which calls it in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from typing import TYPE_CHECKING, Any

from huggingchat_agent.errors import AgentError
from huggingchat_agent.exchange import Chunk, Ended, Failed, Started
from huggingchat_agent.turn.turn import Turn
from huggingchat_agent.wire import multipart, purposes
from huggingchat_agent.wire.conversations import parse_conversation

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent import events
    from huggingchat_agent.choices import SentVia
    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.setting_values import Deadlines
    from huggingchat_agent.turn.app_protocol import App
    from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage
    from huggingchat_agent.wire.purposes import Purpose


# A stopped run ends its stream at once. If not, the agent drops the stream after this many seconds. Apps
# of 2025 need a second, and ignore a stop within half a minute of another one. A run ends with its stream
# there.
STOP_PATIENCE = 10.0
OLD_STOP_PATIENCE = 3.0
PAGE_STOP_PATIENCE = 1.5  # before June 2025 a page stops a run by dropping its stream


class Claim:
    """A sender's claim to the turn of its next post. `turn` resolves to it; `withdraw` gives the claim up.

    `listener` gets the events of the turn. If the turn fails because the app no longer knows the session,
    `on_rejected` gets that failure instead, if there is one. `deadlines` are those of the app where they are
    None. `request` has the fields of the post, for a browser that does not have its body.
    """

    def __init__(
        self,
        tracker: TurnTracker,
        *,
        page_id: str,
        conversation_id: str,
        via: SentVia,
        listener: Callable[[events.TurnEvent], object] | None,
        on_rejected: Callable[[events.Failed], object] | None = None,
        generation_id: str | None = None,
        deadlines: Deadlines | None = None,
        request: dict[str, Any] | None = None,
    ) -> None:
        self.page_id, self.conversation_id = page_id, conversation_id
        self.request = request or {}
        self.via, self.generation_id = via, generation_id
        self.listener, self.on_rejected, self.deadlines = listener, on_rejected, deadlines
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

    Calls `publish(turn, event)` for every event of every turn, or the listener of the turn's claim if there
    is one. Calls `on_answer(turn)` when a turn has its answer, before it is published, and
    `on_read(body, conversation_id)` for what a page reads meanwhile.
    """

    def __init__(
        self,
        app: App,
        publish: Callable[[Turn, events.TurnEvent], object],
        on_answer: Callable[[Turn], object] = lambda turn: None,
        on_read: Callable[[bytes, str], object] = lambda body, conversation_id: None,
    ) -> None:
        self.app, self.publish, self.on_answer, self.on_read = app, publish, on_answer, on_read
        self.claims: list[Claim] = []
        self.stop_patience = STOP_PATIENCE
        self._numbers = itertools.count(1)
        self._running: set[Turn] = set()  # until done
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self, started: Started, purpose: Purpose) -> Callable[[ExchangeEvent], object] | None:
        """Make a turn of each posted message, and follow stops and reads. A reader of `Traffic`."""
        if isinstance(purpose, purposes.SendMessage):
            return self._begin_turn(started, purpose.conversation_id).feed
        if isinstance(purpose, purposes.StopGenerating):
            for turn in self._running:
                if turn.running and turn.conversation_id == purpose.conversation_id:
                    turn.stop_seen = True
        elif isinstance(purpose, purposes.Reattach) and started.kind != "eventsource":  # that is a page's own
            for turn in self._running:
                if turn.generation_id == purpose.generation_id:
                    return turn.follow(started)
        elif isinstance(purpose, purposes.ReadConversation) and self.is_running(purpose.conversation_id):
            return self._follow_read(started.at, purpose.conversation_id)
        return None

    def adopt(self, claim: Claim, request: dict[str, Any], reason: str) -> Turn:
        """The turn of a message that the app has, although nobody saw its request leave. It resumes the
        answer.

        `request` has the fields that were posted.
        """
        common: dict[str, Any] = {"exchange_id": "", "page": claim.page_id, "at": time.monotonic()}
        started = Started(**common, method="POST", url="", kind="fetch", headers={})
        turn = self._make(started, claim.conversation_id, request, claim)
        turn.feed(started)
        turn.feed(Failed(**common, reason=reason))
        return turn

    def take_number(self) -> int:
        """The number of the next turn."""
        return next(self._numbers)

    def is_running(self, conversation_id: str) -> bool:
        """Whether a turn of that conversation is under way, from any client."""
        return any(
            turn.conversation_id == conversation_id and not turn.done.is_set() for turn in self._running
        )

    @property
    def has_running(self) -> bool:
        """Whether any turn is under way."""
        return any(not turn.done.is_set() for turn in self._running)

    def find_page(self, number: int) -> str:
        """The tab that a turn under way was sent from; "" if there is no such turn."""
        return next((turn.page_id for turn in self._running if turn.number == number), "")

    def learn_from(self, read: ConversationRead | None, message: StoredMessage | None = None) -> None:
        """Learn from a conversation, and an answer in it, how long a stopped run may take to end."""
        if read is not None and read.page_data:
            self.stop_patience = PAGE_STOP_PATIENCE
        elif message is not None:
            self.stop_patience = STOP_PATIENCE if message.generation_id else OLD_STOP_PATIENCE

    async def close(self, *, within: float | None = None) -> bool:
        """Wait until every turn has ended. Close the traffic first.

        Returns False if turns had not ended `within` seconds. They end then, without an event.
        """
        if not self._tasks:
            return True
        _, late = await asyncio.wait(self._tasks, timeout=within)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return not late

    def _begin_turn(self, started: Started, conversation_id: str) -> Turn:
        request = multipart.parse_send_fields(started.body, started.headers.get("content-type", "")) or {}
        generation_id = request.get("generationId")
        claim = next(
            (each for each in self.claims if each.fits(started.page, conversation_id, generation_id)), None
        )
        if claim is not None:
            request = request or claim.request
        return self._make(started, conversation_id, request, claim)

    def _make(
        self, started: Started, conversation_id: str, request: dict[str, Any], claim: Claim | None
    ) -> Turn:
        turn = Turn(self, started, conversation_id, request, self.take_number(), claim)
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
        """Offer the read of a conversation by a page to the turns that are under way in it."""
        body = bytearray()

        def take(event: ExchangeEvent) -> None:
            if isinstance(event, Chunk):
                body.extend(event.data)
            elif isinstance(event, Ended):
                self.on_read(bytes(body), conversation_id)
                # An error answer has nothing to parse. The page that asked handles it.
                with contextlib.suppress(AgentError):
                    read = parse_conversation(bytes(body))
                    for turn in self._running:
                        if turn.conversation_id == conversation_id:
                            turn.offer(read, started_at)
            elif isinstance(event, Failed):
                # Pages before June 2025 abort their read when they have what they want of it.
                for turn in self._running:
                    if turn.conversation_id == conversation_id:
                        turn.offer(None, started_at)

        return take
