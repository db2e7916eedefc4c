"""The answer to one message while it comes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol

from huggingchat_agent import events
from huggingchat_agent.emitter import Emitter
from huggingchat_agent.errors import AgentError, ChatError, PageChanged, UsageError
from huggingchat_agent.eventlog import EventLog
from huggingchat_agent.log_records import log
from huggingchat_agent.mistakes import SENT, asyncio_only

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator

    from huggingchat_agent.answer import Answer
    from huggingchat_agent.choices import SentVia
    from huggingchat_agent.turn.turn import Turn


_LAST = (events.Finished, events.Failed)


class Outgoing(Protocol):
    """A message on its way: what a reply follows. `chat.sending.Sending` is one."""

    @property
    def turn(self) -> Turn | None: ...
    @property
    def via(self) -> SentVia: ...
    async def send(self, emitter: Emitter) -> Turn: ...
    def stop(self) -> None: ...


@asyncio_only(SENT)
class Reply(Emitter):
    """What `Conversation.send` returns at once. A task of its own sends the message.

    * `await reply` gives the Answer once every handler has handled `finished`, or raises what went wrong.
      Cancelling it stops the run on the server too.
    * `await reply.answer()` does the same without waiting for handlers.
    * `async for event in reply` gives the turn's events; each iterator begins with the first. It ends after
      `finished` or `failed`, when the next message can be sent. It does not raise, and `break` does not stop
      the run.
    * `async with reply` stops the run if the block ends before it does.
    * `reply.on(name, handler)` subscribes to the events of this turn.

    A reply that failed and was never awaited is logged when it is garbage-collected.
    """

    def __init__(
        self,
        conversation_id: str,
        sending: Outgoing,
        *,
        number: Callable[[], int],
        upstream: Emitter | None = None,
        prompt: str | None = None,
    ) -> None:
        """Start sending. `number` gives a turn number for a message that gets no turn. The handlers
        `upstream` get the same events, and `await` waits for them too.
        """
        super().__init__(upstream=upstream)
        self.conversation_id = conversation_id
        self.events: EventLog[events.AnyTurnEvent] = EventLog()
        self._sending = sending
        self._number, self._prompt = number, prompt
        self._waiting: list[asyncio.Future[None]] = []
        self._over: list[Callable[[Reply], None]] = []  # to call at the last event
        self._ended = False  # the task is done, and its callbacks are being called
        self._retrieved = False
        self._stopping: asyncio.Task[None] | None = None
        self._task = asyncio.create_task(self._run(), name=f"reply in {conversation_id}")
        # `__del__` reports a failure that nobody retrieved. The task must not report it too.
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._task.add_done_callback(lambda _: self._end())

    def __repr__(self) -> str:
        return f"<Reply in {self.conversation_id}: {self._describe_state()}>"

    def _describe_state(self) -> str:
        if not self.done:
            return f"answering, {len(self.text)} characters so far" if self._turn else "not sent yet"
        if self._task.cancelled():
            return "cancelled"
        if error := self._task.exception():
            return f"failed, {type(error).__name__}"
        answer = self._task.result()
        return f"{answer.finish_reason}, {len(answer.text)} characters"

    @property
    def done(self) -> bool:
        """Whether the turn is over, whatever its outcome."""
        return self._task.done()

    @property
    def _turn(self) -> Turn | None:
        """The turn of the message, once it was sent."""
        return self._sending.turn

    @property
    def via(self) -> SentVia:
        """How the message is sent, "ui" or "page"; "" before that is known."""
        return self._sending.via

    @property
    def text(self) -> str:
        """The answer so far, without reasoning."""
        return self._turn.fold.text if self._turn else ""

    def __await__(self) -> Generator[Any, None, Answer]:
        return self._answer().__await__()

    async def __aiter__(self) -> AsyncIterator[events.AnyTurnEvent]:
        index = 0
        while True:
            while index < len(self.events):
                yield self.events[index]
                index += 1
            if self._ended:
                return
            more: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(more)
            await more

    async def __aenter__(self) -> Reply:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def answer(self) -> Answer:
        """The Answer as soon as it is there, even if async handlers still have earlier events to handle.

        Raises what went wrong. Cancelling it stops the run on the server too.
        """
        self._retrieved = True
        try:
            return await asyncio.shield(self._task)
        except asyncio.CancelledError:
            if not self._task.done():  # it is the waiting that was cancelled, not the reply
                await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the run on the server, and return when the turn is over. Does nothing if it is over already.

        The answer is then the text so far, as the server stores it, with `interrupted` true.
        """
        self._retrieved = True
        if self._stopping is None:
            self._sending.stop()
            self._stopping = asyncio.create_task(self._stop(), name="stop reply")
        await asyncio.shield(self._stopping)

    def _note(self, event: Any) -> None:
        """Keep the events of the turn, and hand them to the iterators."""
        if isinstance(event, events.TurnEvent):
            self.events.append(event)  # type: ignore[arg-type]  # the union lists all
            if type(event) in _LAST:
                self._call_over()
            if self._waiting:
                self._wake()

    def _call_when_done(self, callback: Callable[[], None]) -> None:
        """Call back when the turn is over, whatever its outcome."""
        self._task.add_done_callback(lambda _: callback())

    def _call_when_over(self, callback: Callable[[Reply], None]) -> None:
        """Call back before the handlers get the last event, or at the end if there is none."""
        self._over.append(callback)

    def _call_over(self) -> None:
        over, self._over = self._over, []
        for each in over:
            each(self)

    async def _wait_until_done(self) -> None:
        """Wait until the turn is over, whatever its outcome."""
        await asyncio.wait({self._task})

    def _end(self) -> None:
        self._ended = True
        self._call_over()
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)

    def __del__(self) -> None:
        task = getattr(self, "_task", None)
        if task and task.done() and not task.cancelled() and not self._retrieved and task.exception():
            log.error("A reply failed and was never awaited: %s", task.exception())

    async def _answer(self) -> Answer:
        try:
            answer = await self.answer()
        except AgentError:
            await self._drain_handlers(upstream=True, conversation_id=self.conversation_id)
            raise
        await self._drain_handlers(upstream=True, conversation_id=self.conversation_id)
        return answer

    async def _run(self) -> Answer:
        try:
            turn = await self._sending.send(self)
        except AgentError as error:
            self._fail(error)
            raise
        except asyncio.CancelledError:
            if self._stopping is None or self._turn is not None:  # the loop is being torn down
                raise
            early = UsageError("The reply was stopped before the message was sent.")
            self._fail(early)
            raise early from None
        except Exception as error:
            # A bug in the agent. Whatever waits for this must still get an error.
            log.exception("A message in %s could not be sent.", self.conversation_id)
            mishap = PageChanged(f"The message could not be sent ({type(error).__name__}).")
            self._fail(mishap)
            raise mishap from None
        if turn.answer is None:
            raise turn.error or UsageError("The turn was abandoned before it ended.")
        return turn.answer

    async def _stop(self) -> None:
        if self._turn is not None:
            await self._turn.stop()
        else:
            self._task.cancel()  # nothing was sent yet, or the sender sees to it
        await asyncio.wait({self._task})

    def _fail(self, error: AgentError) -> None:
        """Emit a failure that no turn has emitted."""
        if isinstance(error, ChatError) and not error.conversation_id:
            error.conversation_id = self.conversation_id
        if not (self.events and type(self.events[-1]) in _LAST):
            failed = events.Failed(
                conversation_id=self.conversation_id,
                turn=self._number(),
                seq=1,
                at=time.monotonic(),
                error=type(error).__name__,
                message=error.message,
                prompt=self._prompt,
            )
            self.emit(failed)
