"""Turns are born on the wire.

A turn begins when a tab posts a message, whoever made it do so: the agent, a person in the window,
a test that types by itself. Who sends by way of the agent lays a claim first, and the turn that
fits it is handed over: by the generation id it chose, or as the first post of its tab to its
conversation.

Exchange events come from the driver's callbacks and only wait in a queue there. One task takes them
from it, decodes and publishes, in order; callbacks of the user never run inside the driver's.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from typing import TYPE_CHECKING, NamedTuple

from huggingchat_agent.errors import AgentError
from huggingchat_agent.exchange import Chunk, Ended, Failed, Started
from huggingchat_agent.turn.turn import Turn
from huggingchat_agent.wire import multipart, purposes, requests, routes
from huggingchat_agent.wire.conversations import parse_conversation

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent import events
    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.turn.app import App
    from huggingchat_agent.wire.conversations import ConversationRead

log = logging.getLogger("huggingchat_agent")

# The app keeps a stop that found nothing to stop for about 5 s, and ends a run that starts then.
STOP_LINGERS = 5.5  # seconds

# How long the last message of a conversation is taken to be still that. Another client could answer
# it in the meantime, and the app has no way to send only if it did not; a read costs 10 ms.
FRESH = 1.0  # seconds


class Leaf(NamedTuple):
    """The last message of a conversation. The root, a system message, is not shown by the page."""

    id: str
    is_root: bool
    at: float


class Claim:
    """Who sends, before the post is seen. `turn` resolves to the Turn; `withdraw` gives it up."""

    def __init__(
        self,
        tracker: TurnTracker,
        *,
        page_id: str,
        conversation_id: str,
        via: str,
        listener: Callable[[events.TurnEvent], object] | None,
        generation_id: str | None = None,
    ) -> None:
        self.page_id, self.conversation_id = page_id, conversation_id
        self.via, self.listener, self.generation_id = via, listener, generation_id
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
    listener: then that is called. `seen(event)` is called for every exchange event before it is used.
    """

    def __init__(
        self,
        app: App,
        publish: Callable[[Turn, events.TurnEvent], None],
        seen: Callable[[ExchangeEvent], None],
    ) -> None:
        self.app = app
        self.publish = publish
        self.claims: list[Claim] = []
        self._seen = seen
        self._numbers = itertools.count(1)
        self._queue: asyncio.Queue[ExchangeEvent] = asyncio.Queue()
        self._turns: dict[str, Turn] = {}  # by exchange, while the stream is open
        self._settling: set[Turn] = set()  # until done
        self._reads: dict[str, tuple[str, float, bytearray]] = {}  # conversation reads under way
        self._leaves: dict[str, Leaf] = {}
        self._quiet: dict[str, float] = {}  # until when a stop may linger, by conversation
        self._tasks: set[asyncio.Task[None]] = set()
        self._dispatching: asyncio.Task[None] | None = None

    def feed(self, event: ExchangeEvent) -> None:
        """Take an exchange event from a driver's callback."""
        task = self._dispatching
        # A handler may raise what ends a program; in a notebook the loop lives on.
        if task is None or (task.done() and not task.cancelled()):
            self._dispatching = asyncio.create_task(self._dispatch(), name="turn dispatch")
            # What ends a program went through the loop; nobody needs to be told of it once more.
            self._dispatching.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._queue.put_nowait(event)

    def number(self) -> int:
        """The number of the next turn."""
        return next(self._numbers)

    async def read(self, conversation_id: str) -> ConversationRead:
        """Read a conversation by a call of our own."""
        body = await self.app.ask(
            requests.read_conversation(conversation_id), conversation_id=conversation_id
        )
        return parse_conversation(body)

    def running(self, conversation_id: str) -> bool:
        """Whether a turn of that conversation is under way, whoever started it."""
        return any(turn.conversation_id == conversation_id for turn in self._settling)

    def page_of(self, number: int) -> str:
        """The tab that a turn under way was sent from; "" if there is no such turn."""
        return next((turn.page_id for turn in self._settling if turn.number == number), "")

    def know_leaf(self, conversation_id: str, leaf: str, *, is_root: bool = False) -> None:
        """The app has just told which message of a conversation is the last."""
        now = time.monotonic()
        # Most are never asked for again, and a session may see many conversations.
        self._leaves = {each: known for each, known in self._leaves.items() if now - known.at < FRESH}
        self._leaves[conversation_id] = Leaf(leaf, is_root, now)

    def fresh_leaf(self, conversation_id: str) -> Leaf | None:
        """The last message of a conversation, if that was told a moment ago and no turn was seen since."""
        leaf = self._leaves.pop(conversation_id, None)
        return leaf if leaf and time.monotonic() - leaf.at < FRESH else None

    def stopping(self, conversation_id: str) -> None:
        """The app is asked to stop a run. If none runs any more, that hits the next one."""
        now = time.monotonic()
        self._quiet = {each: end for each, end in self._quiet.items() if end > now}
        self._quiet[conversation_id] = now + STOP_LINGERS

    def stopped(self, conversation_id: str) -> None:
        """A run was cut short: the stop has done its work and hits nothing else."""
        self._quiet.pop(conversation_id, None)

    def quiet(self, conversation_id: str) -> float:
        """Seconds during which a new run could still be hit by an old stop."""
        return max(self._quiet.get(conversation_id, 0.0) - time.monotonic(), 0.0)

    async def settled(self) -> None:
        """Wait until everything seen so far is dealt with."""
        if self._dispatching is not None:
            joined = asyncio.ensure_future(self._queue.join())
            await asyncio.wait({joined, self._dispatching}, return_when=asyncio.FIRST_COMPLETED)
            joined.cancel()

    async def close(self) -> None:
        """Let every turn come to its end and stop. The pages must be closed before."""
        await self.settled()
        if self._dispatching is not None:
            self._dispatching.cancel()
            await asyncio.gather(self._dispatching, return_exceptions=True)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _dispatch(self) -> None:
        while True:
            event = await self._queue.get()
            try:
                self._seen(event)
                self._take(event)
            except Exception:
                # One exchange we cannot digest must not end all others.
                log.exception("An exchange event could not be handled.")
            finally:
                self._queue.task_done()

    def _take(self, event: ExchangeEvent) -> None:
        if isinstance(event, Started):
            self._started(event)
        elif turn := self._turns.get(event.exchange_id):
            turn.feed(event)
            if isinstance(event, Ended | Failed):
                del self._turns[event.exchange_id]
        elif event.exchange_id in self._reads:
            self._reading(event)

    def _started(self, event: Started) -> None:
        purpose = routes.classify(event.method, event.url, self.app.base_path)
        if isinstance(purpose, purposes.SendMessage):
            self._birth(event, purpose.conversation_id)
        elif isinstance(purpose, purposes.StopGenerating):
            for turn in self._turns.values():
                if turn.conversation_id == purpose.conversation_id:
                    turn.stop_seen = True
        elif isinstance(purpose, purposes.ReadConversation) and any(
            turn.conversation_id == purpose.conversation_id for turn in self._settling
        ):
            self._reads[event.exchange_id] = (purpose.conversation_id, event.at, bytearray())

    def _birth(self, started: Started, conversation_id: str) -> None:
        request = multipart.parse_send_fields(started.body, started.headers.get("content-type", "")) or {}
        generation_id = request.get("generationId")
        claim = next(
            (each for each in self.claims if each.fits(started.page, conversation_id, generation_id)), None
        )
        self._leaves.pop(conversation_id, None)
        turn = Turn(self, started, conversation_id, request, self.number(), claim)
        self._turns[started.exchange_id] = turn
        self._settling.add(turn)
        if claim is not None:
            claim.withdraw()
            if not claim.turn.done():
                claim.turn.set_result(turn)
        task = asyncio.create_task(turn.run(), name=f"turn {turn.number}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._settling.discard(turn))
        turn.begin()

    def _reading(self, event: ExchangeEvent) -> None:
        conversation_id, started_at, body = self._reads[event.exchange_id]
        if isinstance(event, Chunk):
            body += event.data
        elif isinstance(event, Failed):
            del self._reads[event.exchange_id]
        elif isinstance(event, Ended):
            del self._reads[event.exchange_id]
            try:
                read = parse_conversation(bytes(body))
            except AgentError:
                return  # an error answer; whoever asked for it deals with it
            for turn in self._settling:
                if turn.conversation_id == conversation_id:
                    turn.offer(read, started_at)
