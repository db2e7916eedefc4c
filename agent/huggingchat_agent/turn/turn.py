"""One turn: a message and its answer, built from the events of its exchange.

The traffic feeds it these events in order. Its own task watches the deadlines. When the stream is over, that
task finds out how it ended and reads the stored message from the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
from typing import TYPE_CHECKING, Any

from huggingchat_agent import events
from huggingchat_agent.errors import (
    AgentError,
    BrowserClosed,
    ChatError,
    PageChanged,
    SessionRejected,
    SiteError,
    StreamBroken,
    TurnTimeout,
)
from huggingchat_agent.exchange import Started
from huggingchat_agent.turn import outputs
from huggingchat_agent.turn.app import read_conversation
from huggingchat_agent.turn.clock import Clock
from huggingchat_agent.turn.stream import Stream
from huggingchat_agent.turn.written import find_written
from huggingchat_agent.wire import failures, requests, updates
from huggingchat_agent.wire.fold import Fold, read_stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.answer import Answer
    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.turn.tracker import Claim, TurnTracker
    from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage

log = logging.getLogger("huggingchat_agent")

# After an answer the page reads the conversation again by itself. How long to wait for that.
REFETCH_PATIENCE = 2.0  # seconds
# Then the agent reads until the stored message is final. The store lags behind the stream: after a stop, the
# app's own page reads 8 times in 0.4 s steps.
READS = 12
READ_PAUSE = 0.25  # seconds
READ_PATIENCE = 10.0  # seconds in all, if the app is slow to answer

# For a page that left in the middle. The app stores the reason of a failure right after it told the page.
READS_AFTER_LEAVING = 4

# The precision of the deadlines, in seconds.
SHORTEST_SLEEP = 0.05

# A stopped run ends its stream at once. If it does not, the stream is dropped after this many seconds.
STOP_PATIENCE = 10.0


class Turn:
    """One message and its answer. `done` is set at the very end, and `answer` or `error` before that.

    `request` is the posted message (`inputs`, `id`, `is_retry`, ...). It is empty if the browser does not
    have it.
    """

    def __init__(
        self,
        tracker: TurnTracker,
        started: Started,
        conversation_id: str,
        request: dict[str, Any],
        number: int,
        claim: Claim | None,
    ) -> None:
        self.number = number
        self.conversation_id = conversation_id
        self.page_id = started.page
        self.request = request
        self.generation_id: str | None = request.get("generationId")
        if self.generation_id is None and claim is not None:
            self.generation_id = claim.generation_id
        self.via = claim.via if claim else ""
        bind = functools.partial(outputs.bind, app=tracker.app, conversation_id=conversation_id)
        self.fold = Fold(conversation_id, number, started.at, bind)
        self.answer: Answer | None = None
        self.error: AgentError | None = None
        self.leaf = ""  # the message it wrote, where that is the last of its branch
        self.done = asyncio.Event()
        self.refused = False  # the app took nothing of the message
        self.stop_seen = False  # the app was asked to stop this run
        self._tracker = tracker
        self._on_rejected = claim.on_rejected if claim else None
        self.publish: Callable[[events.TurnEvent], object] = (
            claim.listener if claim and claim.listener else functools.partial(tracker.publish, self)
        )
        self._stream = Stream()
        self._ended = False  # as `_over`, for code that does not wait
        self._over = asyncio.Event()
        self._said = 0.0  # when the app's last line came, or the stream broke off
        self._clock = Clock(started.at, tracker.app.deadlines)
        self._read: ConversationRead | None = None
        self._refetched = asyncio.Event()

    @property
    def running(self) -> bool:
        """Whether its stream is open."""
        return not self._ended

    def _begin(self) -> None:
        self.publish(
            self.fold.stamp(
                events.Started,
                self.fold.sent,
                via=self.via,
                prompt=self.request.get("inputs"),
                generation_id=self.generation_id,
            )
        )

    # Events of the exchange, in order. The task of the traffic calls this.

    def feed(self, event: ExchangeEvent) -> None:
        if isinstance(event, Started):
            return self._begin()
        if self._ended:
            return  # a deadline has passed; this is no longer part of the answer
        fold, publish, at = self.fold, self.publish, event.at
        alive_only = True
        for update in self._stream.feed(event):
            if type(update) is not updates.KeepAlive:
                alive_only = False
            for each in fold.feed(update, at):
                publish(each)
        if not alive_only:
            self._clock.tick(at, asking=fold.asking)
        if self.fold.terminal is not None and not self._said:
            self._said = event.at
        if self._stream.over:
            self._end(event.at)

    def offer(self, read: ConversationRead, started_at: float) -> None:
        """Take a page's read of this conversation, if it began after the app's last line.

        (Pages do not wait for the end of the stream before they read.)
        """
        if self._said and started_at >= self._said and self._final(read, after_close=False) is not None:
            self._read = read
            self._refetched.set()

    def _end(self, at: float) -> None:
        self._said, self._ended = self._said or at, True
        self._over.set()

    # Its own task: deadlines, and the end.

    async def run(self) -> None:
        try:
            await self._wait_for_end()
            self.answer = await self._settle()
            self._tracker.on_answer(self)
        except AgentError as error:
            await self._fail(error)
        except Exception as error:
            # A bug in the agent. Whatever waits for this must still get an error.
            log.exception("Turn %d in %s failed because of a bug.", self.number, self.conversation_id)
            await self._fail(
                PageChanged(f"The answer could not be read to its end ({type(error).__name__}).")
            )
        else:
            now = time.monotonic()
            self.publish(self.fold.stamp(events.AnswerReady, now, answer=self.answer))
            self.publish(self.fold.stamp(events.Finished, now))
        finally:
            self.done.set()

    async def stop(self) -> None:
        """End the run on the server and return when the turn is done. Does nothing if it is over.

        The stream stays open. The app ends it with the text that it stored, which is then the answer.
        """
        # After the app's last line the run is over, and a stop would end the next one.
        if self.running and self.fold.terminal is None:
            self.stop_seen = True
            await self._stop_on_server()
            try:
                async with asyncio.timeout(STOP_PATIENCE):
                    await self._over.wait()
            except TimeoutError:
                await self._drop_stream()
        await self.done.wait()

    async def _wait_for_end(self) -> None:
        """Wait for the end of the stream. Raises TurnTimeout, and the stream counts as over then."""
        while not self._ended:
            left, name, limit = self._clock.next_deadline(time.monotonic(), waiting=self.fold.waiting)
            if left <= 0:
                self._end(time.monotonic())
                raise TurnTimeout(
                    f"The answer missed its {name} deadline of {limit:g} s, so the agent stopped the run.",
                    hint="Allow more time with deadlines=, or ask again.",
                    shell_hint="Allow more time with --timeout, or ask again.",
                    conversation_id=self.conversation_id,
                    partial=self.fold.text,
                )
            # No longer than the idle clock, which may start in between. Not too short either: the total clock
            # may pause just before its end.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(max(left, SHORTEST_SLEEP), self._clock.longest_sleep)):
                    await self._over.wait()

    async def _settle(self) -> Answer:
        refusal = self._stream.refusal(self.conversation_id)
        if refusal is not None:
            self.refused = True
            raise refusal
        fold = self.fold
        if fold.error is not None:
            raise failures.from_update(fold.error, conversation_id=self.conversation_id, partial=fold.text)
        if fold.terminal is None and not self.stop_seen:
            raise await self._explain_break(self._stream.reason or "it ended without its last line")
        read = await self._read_final()
        message = self._message(read)
        stored = self._final(read)
        if fold.terminal is None and stored is None:
            raise await self._explain_break("it was stopped, but the app has not ended the run")
        user = read.parent(message) if read and message else None
        if stored is not None and not stored.children:
            self.leaf = stored.id
        return fold.answer(
            user_message_id=user.id if user else "",
            message_id=message.id if message else "",
            via=self.via,
            generation_id=self.generation_id,
            finished=time.monotonic(),
            stored=stored,
        )

    async def _explain_break(self, why: str) -> AgentError:
        """The error that the app stored for this turn, or else StreamBroken."""
        gone = not self._tracker.app.shows(self.page_id)
        message = None if gone else await self._read_after_break()
        partial = self.fold.text
        if not partial and message is not None:
            partial = read_stored(message).split(message.content)[0]
        if message is not None and (failure := _failure(message)) is not None:
            return failures.from_update(failure, conversation_id=self.conversation_id, partial=partial)
        if gone:
            why = "the browser or its tab went away"
        broken = StreamBroken(
            f"The answer's stream broke after {len(partial)} characters: {why}. The conversation may "
            "hold more.",
            hint="The text so far is in `partial`.",
            shell_hint="The text so far is printed.",
            conversation_id=self.conversation_id,
            partial=partial,
        )
        if gone:
            broken.__cause__ = BrowserClosed(f"In the middle of the answer, {why}.")
        return broken

    async def _read_after_break(self) -> StoredMessage | None:
        """The message as stored, for a stream that broke before the tap had all of it.

        The browser gives no body of a failed request, even if bytes had arrived. And a page that reads in the
        stream that it must sign in again leaves at once: the tap may never see the last line.
        """
        if not (self.generation_id or self.request):
            return None

        def enough(read: ConversationRead | None) -> bool:
            message = self._message(read)
            return read is None or message is None or read.is_terminal(message)

        read = await self._read_until(READS_AFTER_LEAVING if self._stream.canceled else 1, enough)
        return self._message(read)

    async def _read_final(self) -> ConversationRead | None:
        """The stored conversation after the run, from the page's own read or from one of ours.

        After READ_PATIENCE it may not be final. None if it could not be read at all.
        """
        if self._tracker.app.refetches(self.page_id):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REFETCH_PATIENCE):
                    await self._refetched.wait()
        if self._read is not None:
            return self._read
        read = await self._read_until(READS, lambda read: (self._read or self._final(read)) is not None)
        if self._read is None and self._final(read) is None:
            log.warning("Conversation %s could not be read in its final state.", self.conversation_id)
        return self._read or read

    async def _read_until(
        self, most: int, enough: Callable[[ConversationRead | None], bool]
    ) -> ConversationRead | None:
        """Read until `enough` is true, at most `most` times. Returns the last read, None if all failed."""
        read = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READ_PATIENCE):
                for attempt in range(most):
                    if attempt:
                        await asyncio.sleep(READ_PAUSE)  # the app has no event for "stored"
                    try:
                        read = await read_conversation(self._tracker.app, self.conversation_id)
                    except AgentError as error:
                        log.warning("Conversation %s could not be read: %s", self.conversation_id, error)
                        if not _may_pass(error):
                            break
                    if enough(read):
                        break
        return read

    def _message(self, read: ConversationRead | None) -> StoredMessage | None:
        """The message that this turn wrote."""
        content = self.fold.merge_content()
        return find_written(read, self.request, self.generation_id, content) if read else None

    def _final(self, read: ConversationRead | None, *, after_close: bool = True) -> StoredMessage | None:
        """The message that this turn wrote, if it is stored in its final state.

        `after_close`: the read began after the stream was closed.
        """
        message = self._message(read)
        if message is None or read is None:
            return None
        if read.is_terminal(message):
            return message if self._ends_this_turn(message) else None
        # Apps without generation ids store a run before they close its stream. Those of 2025 store no end of
        # a run that was stopped.
        closed = after_close and self._ended and not self._stream.reason
        return message if closed and not message.generation_id else None

    def _ends_this_turn(self, message: StoredMessage) -> bool:
        """Whether the stored end is the end of this turn.

        A parked message already has an end. The run that resumes it ends with the final answer or with
        another question.
        """
        if "resumeElicitationId" not in self.request or message.interrupted:
            return True
        stored = [updates.parse(each) for each in message.updates]
        if self.fold.parked:
            asked = {
                each.request.elicitation_id for each in stored if isinstance(each, updates.ElicitationRequest)
            }
            return self.fold.questions <= asked
        return any(isinstance(each, updates.FinalAnswer | updates.Errored) for each in stored)

    async def _fail(self, error: AgentError) -> None:
        if isinstance(error, TurnTimeout):
            await self._tracker.app.save_report(error, self.page_id)
            await self._stop_on_server()
            await self._drop_stream()
        if isinstance(error, ChatError):
            self._tracker.app.explain(error)
            error.conversation_id = error.conversation_id or self.conversation_id
            error.partial = error.partial or self.fold.text
        self.error = error
        text = getattr(error, "partial", self.fold.text)
        failed = self.fold.stamp(
            events.Failed, time.monotonic(), error=type(error).__name__, message=error.message, partial=text
        )
        if isinstance(error, SessionRejected) and self._on_rejected is not None:
            self._on_rejected(failed)
        else:
            self.publish(failed)

    async def _stop_on_server(self) -> None:
        try:
            await self._tracker.app.ask(requests.stop_generating(self.conversation_id))
        except AgentError as error:
            log.warning("The run in %s could not be stopped on the server: %s", self.conversation_id, error)

    async def _drop_stream(self) -> None:
        """Free the connection of a stream that does not end."""
        try:
            await self._tracker.app.drop_stream(self.page_id, self.conversation_id, self.generation_id)
        except AgentError as error:
            log.warning("The stream could not be dropped: %s", error)
        self._end(time.monotonic())


def _may_pass(error: AgentError) -> bool:
    """Whether to read again: not if the conversation, the browser or the session is gone."""
    if isinstance(error, ChatError):
        return error.status not in (403, 404)
    return isinstance(error, SiteError)


def _failure(message: StoredMessage) -> updates.Errored | None:
    """Why the run that wrote the message failed, if the app stored that."""
    stored = (updates.parse(each) for each in reversed(message.updates))
    return next((each for each in stored if isinstance(each, updates.Errored)), None)
