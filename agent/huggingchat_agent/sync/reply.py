"""The answer to one message while it comes, without async."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING

from huggingchat_agent import events
from huggingchat_agent.errors import UsageError
from huggingchat_agent.eventlog import EventLog
from huggingchat_agent.mistakes import SENT, sync_only
from huggingchat_agent.sync.handlers import Handlers, pass_back, pass_on
from huggingchat_agent.sync.thread import ends_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from huggingchat_agent.answer import Answer
    from huggingchat_agent.chat import reply as asynchronous
    from huggingchat_agent.choices import SentVia
    from huggingchat_agent.sync.thread import Job, LoopThread


@sync_only(SENT)
class Reply(Handlers):
    """What `Conversation.send` returns at once.

    * `reply.result()` gives the Answer once every handler has handled `finished`, or raises what went wrong.
      Ctrl-C meanwhile stops the run on the server too.
    * `for event in reply` gives the turn's events; each iterator begins with the first. It ends after
      `finished` or `failed`, when the next message can be sent. It does not raise, and `break` does not stop
      the run.
    * `with reply` stops the run if the block ends before it does.
    * `reply.on(name, handler)` subscribes to the events of this turn. A handler subscribed before the first
      wait misses nothing.
    """

    def __init__(self, inner: asynchronous.Reply, thread: LoopThread) -> None:
        """Made in the loop, before the reply's first event."""
        super().__init__(inner)
        self.events: EventLog[events.AnyTurnEvent] = EventLog()
        self._inner = inner
        self._thread = thread
        self._answer: Job[Answer] | None = None
        self._over = threading.Event()
        inner._call_when_done(self._over.set)
        inner._call_when_done(lambda: thread.post(lambda: None))  # wakes the thread that waits
        receive = _make_receiver(self.events, self._emitter.emit)
        pass_on(inner, lambda event: thread.post(lambda: receive(event)))
        pass_back(self._emitter, inner, thread.call_soon)

    def __repr__(self) -> str:
        return repr(self._inner) if self.done else f"{repr(self._inner)[:-1]}; result() waits for the answer>"

    @property
    def conversation_id(self) -> str:
        """The conversation it belongs to."""
        return self._inner.conversation_id

    @property
    def via(self) -> SentVia:
        """How it was sent: "ui", "page", or "" while that is open."""
        return self._inner.via

    @property
    def text(self) -> str:
        """The answer so far, without reasoning: "" until it begins. It may be ahead of the handlers."""
        return self._inner.text

    @property
    def done(self) -> bool:
        """Whether the turn is over, whatever its outcome."""
        return self._inner.done

    def result(self, timeout: float | None = None) -> Answer:
        """Wait for the whole answer.

        Raises what went wrong with it, UsageError for a wrong `timeout`, or TimeoutError after that many
        seconds. The reply goes on then, and you can call `result` again.
        """
        if timeout is not None and not (isinstance(timeout, int | float) and timeout >= 0):
            raise UsageError(f"timeout must be a number of seconds, 0 or more, not {timeout!r}.")
        if self._answer is None:
            self._answer = self._thread.submit(_answer(self._inner))
        try:
            in_time = self._thread.wait(self._answer, timeout=timeout)
        except (KeyboardInterrupt, SystemExit):
            self._stop(work=False)
            raise
        if not in_time:
            raise TimeoutError(f"The answer did not come within {timeout:g} s; the reply goes on.")
        return self._answer.result()

    def answer(self) -> Answer:
        """The Answer as soon as it is there, even if async handlers still have earlier events to handle.

        Raises what went wrong.
        """
        return self._thread.run(self._inner.answer())

    def stop(self) -> None:
        """Stop the run on the server, and return when the turn is over. Does nothing if it is over already.

        The answer is then the text so far, as the server stores it, with `interrupted` true.
        """
        self._stop()

    def _stop(self, *, work: bool = True) -> None:
        if not (self.done or self._thread.over):
            self._thread.run(self._inner.stop(), work=work)

    def __iter__(self) -> Iterator[events.AnyTurnEvent]:
        index = 0
        while True:
            while index < len(self.events):
                yield self.events[index]
                index += 1
            if self._complete:
                return
            self._thread.wait_until(functools.partial(self._has_news, index))

    @property
    def _complete(self) -> bool:
        """Whether that was all: the last event may come before the end, or be handled after it."""
        last = self.events[-1] if self.events else None
        return self._over.is_set() and isinstance(last, events.Finished | events.Failed)

    def _has_news(self, seen: int) -> bool:
        return len(self.events) > seen or self._complete

    def __enter__(self) -> Reply:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._stop(work=not ends_program(error))


def _make_receiver(
    received: list[events.AnyTurnEvent], emit: Callable[[events.Event], object]
) -> Callable[[events.Event], None]:
    # Knows the parts, not the Reply: the loop must not keep alive a reply that its user dropped.
    def receive(event: events.Event) -> None:
        if isinstance(event, events.TurnEvent):
            received.append(event)  # type: ignore[arg-type]  # the union lists all
        emit(event)

    return receive


async def _answer(reply: asynchronous.Reply) -> Answer:
    return await reply
