"""One turn: a message and its answer, built from the events of its exchange.

The traffic feeds it these events in order. Its own task watches the deadlines. When the stream is over, that
task finds out how it ended and reads the stored message from the server. `recovery.py` resumes a broken
stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from typing import TYPE_CHECKING, Any

from huggingchat_agent import events
from huggingchat_agent.errors import (
    AgentError,
    BrowserClosed,
    ChatError,
    PageChanged,
    SessionRejected,
    StreamBroken,
    TurnTimeout,
)
from huggingchat_agent.exchange import Started
from huggingchat_agent.log_records import log
from huggingchat_agent.turn import outputs, stopping
from huggingchat_agent.turn.clock import Clock
from huggingchat_agent.turn.recovery import Recovery
from huggingchat_agent.turn.stored import Stored, find_failure
from huggingchat_agent.turn.stream import Stream
from huggingchat_agent.wire import artifacts, failures, multipart, updates
from huggingchat_agent.wire.fold import Fold, read_stored
from huggingchat_agent.wire.means import Means

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from huggingchat_agent.answer import Answer
    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.turn.tracker import Claim, TurnTracker
    from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage


# After an answer the page reads the conversation again by itself. How long to wait for that.
REFETCH_PATIENCE = 2.0  # seconds

# For a page that left in mid-stream. The app stores the reason of a failure right after it sends it to the
# page.
READS_AFTER_LEAVING = 4

# The precision of the deadlines, in seconds.
SHORTEST_SLEEP = 0.05

# If the clock is checked this many seconds late, this process was held up. The silence is not the app's.
STALL = 0.5
GRACE = 1.0  # then there are this many seconds to read what has arrived


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
        self._key = self.generation_id if self.via == "page" else None  # of a stream that no page reads
        bind = functools.partial(outputs.bind, app=tracker.app, conversation_id=conversation_id)
        self.fold = Fold(conversation_id, number, started.at, bind)
        self.answer: Answer | None = None
        self.error: AgentError | None = None
        self.leaf = ""  # the message it wrote, where that is the last of its branch
        self.done = asyncio.Event()
        self.refused = False  # the app took nothing of the message
        self.stop_seen = False  # the app was asked to stop this run
        self._unheard = False  # and did not take it
        self._tracker = tracker
        self._on_rejected = claim.on_rejected if claim else None
        self.publish: Callable[[events.TurnEvent], object] = (
            claim.listener if claim and claim.listener else functools.partial(tracker.publish, self)
        )
        self._stream = Stream(with_files=multipart.has_files(started.body))
        self._ended = False  # as `_over`, for code that does not wait
        self._over = asyncio.Event()
        self._said = 0.0  # when the app's last line came, or the stream broke off
        limits = (claim.deadlines if claim else None) or tracker.app.deadlines
        self._clock = Clock(started.at, limits)
        self.stored = Stored(tracker.app, conversation_id, self.request, self.generation_id, self.fold)
        self._others: list[updates.Update] = []  # so far, without tokens and keep-alives
        self._recovery: Recovery | None = None  # once the stream broke
        self._recovering: asyncio.Task[None] | None = None
        self._lost = ""  # why that failed
        self._read: ConversationRead | None = None
        self._refetched = asyncio.Event()

    @property
    def running(self) -> bool:
        """Whether more of the answer may come."""
        return not self._ended

    # Events of the exchange, in order. The task of the traffic calls this.

    def feed(self, event: ExchangeEvent) -> None:
        if isinstance(event, Started):
            sent = {"prompt": self.request.get("inputs"), "generation_id": self.generation_id}
            self.publish(self.fold.stamp(events.Started, self.fold.sent, via=self.via, **sent))
            return
        if self._ended:
            return  # a deadline has passed; this is no longer part of the answer
        at = event.at
        self.take(self._stream.feed(event), at)
        if self.fold.terminal is not None and not self._said:
            self._said = event.at
        if self._stream.over:
            if self._breaks_off():
                self._recovery = Recovery(self, self._tracker.app, self._others, self._stream.why, at)
                self._recovering = asyncio.create_task(self._recover(self._recovery), name="recover")
            else:
                self._end(at)

    def follow(self, started: Started) -> Callable[[ExchangeEvent], None] | None:
        """A function that takes the events of a reattached stream; None if this turn needs none."""
        return self._recovery.follow(started) if self._recovery and self.running else None

    def offer(self, read: ConversationRead | None, started_at: float) -> None:
        """Take a page's read of this conversation, if it began after the app's last line. None: it failed.

        (Pages do not wait for the end of the stream before they read.)
        """
        if not self._said or started_at < self._said:
            return
        if read is None:
            self._refetched.set()
        elif self._find_final(read, after_close=False) is not None:
            self._read = read
            self._refetched.set()

    def expect_no_read(self) -> None:
        """The page that sent the message will not read the conversation again, so do not wait for that."""
        self._refetched.set()

    def _end(self, at: float) -> None:
        self._said, self._ended = self._said or at, True
        self._over.set()

    def _breaks_off(self) -> bool:
        """Whether the stream is over before the answer is, and the run may go on."""
        return (
            self._tracker.app.recovers
            and self.fold.terminal is None
            and not (self.stop_seen or self.request.get("is_continue"))
            and self._stream.may_go_on(self.conversation_id)
        )

    def take(self, found: Sequence[updates.Update], at: float) -> None:
        """Take updates of the stream, or those that the recovery found."""
        fold, publish, token = self.fold, self.publish, updates.Token
        plain, alive_only = fold.splitter.plain, True
        for update in found:
            if type(update) is token and plain and update.token:
                publish(fold.take_plain(update.token, at))
                alive_only = False
                continue
            if type(update) is not updates.KeepAlive:
                alive_only = False
                if type(update) is not token:
                    self._others.append(update)
            for each in fold.feed(update, at):
                publish(each)
            plain = fold.splitter.plain
        if not alive_only:
            self._clock.tick(at, asking=bool(fold.questions))

    async def _recover(self, recovery: Recovery) -> None:
        self._lost = await recovery.run()
        self._end(time.monotonic())

    # Its own task: deadlines, and the end.

    async def run(self) -> None:
        try:
            await self._wait_for_end()
            self.answer = await self._settle()
            self._tracker.on_answer(self)
        except AgentError as error:
            self.stored.report_copies()
            await self._fail(error)
        except Exception as error:
            # A bug in the agent. Whatever waits for this must still get an error.
            log.exception("Turn %d in %s failed because of a bug.", self.number, self.conversation_id)
            await self._fail(
                PageChanged(f"The answer could not be read to its end ({type(error).__name__}).")
            )
        else:
            self.stored.report_copies()
            now = time.monotonic()
            self.publish(self.fold.stamp(events.AnswerReady, now, answer=self.answer))
            self.publish(self.fold.stamp(events.Finished, now))
        finally:
            if self._recovering is not None:
                self._recovering.cancel()
            self.done.set()

    async def stop(self) -> None:
        """End the run on the server and return when the turn is done. Does nothing if it is over.

        The stream stays open. The app ends it with the text that it stored, which is then the answer. An app
        that does not answer is left after some seconds.
        """
        # After the app's last line the run is over, and a stop would end the next one.
        if self.running and self.fold.terminal is None:
            self.stop_seen = True
            taken = await stopping.stop_run(self._tracker.app, self.conversation_id)
            patience = self._tracker.stop_patience if taken else stopping.REFUSED_PATIENCE
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._over.wait()
            if not self._ended:
                self._unheard = not taken
                await self._drop_stream()
                self._tracker.app.note_means(Means.STOP_BY_DROP)
        await self.done.wait()

    async def _wait_for_end(self) -> None:
        """Wait for the end of the answer. Raises TurnTimeout, and the answer counts as over then."""
        late = False
        while not self._ended:
            # A resumed run has its own time limit.
            waiting = self.fold.waiting or self._recovery is not None
            left, name, limit = self._clock.find_next_deadline(time.monotonic(), waiting=waiting)
            if left <= 0 and not late:
                self._end(time.monotonic())
                raise TurnTimeout(
                    f"The answer missed its {name} deadline of {limit:g} s",
                    hint="Allow more time with deadlines=, or ask again.",
                    shell_hint="Allow more time with --timeout, or ask again.",
                    conversation_id=self.conversation_id,
                    partial=self.fold.text,
                )
            # No longer than the idle clock, which may start in between. Not too short either: the total clock
            # may pause just before its end.
            sleep = min(max(left, GRACE if late else SHORTEST_SLEEP), self._clock.longest_sleep)
            due = time.monotonic() + sleep
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(sleep):
                    await self._over.wait()
            behind = time.monotonic() - due
            if late := behind > STALL:
                # This process was stopped, or a handler blocked it. What has arrived meanwhile comes now.
                self._clock.restart(time.monotonic(), behind)

    async def _settle(self) -> Answer:
        refusal = self._stream.make_refusal(self.conversation_id)
        if refusal is not None and not (self._recovery and self._recovery.found):
            self.refused = True
            raise refusal
        fold = self.fold
        if fold.error is not None:
            raise failures.from_update(fold.error, conversation_id=self.conversation_id, partial=fold.text)
        if fold.terminal is None and self._unheard:
            raise await self._explain_break("the app did not take the stop, so the run may go on")
        if fold.terminal is None and not self.stop_seen:
            raise await self._explain_break(self._lost or self._stream.why)
        read = await self._read_final()
        if read is not None:
            self.stored.count_copies(read)
        message = self.stored.find_message(read)
        self._tracker.learn_from(read, message)
        stored = self._find_final(read)
        self.stored.note_means(message, stopped=self.stop_seen)
        if fold.terminal is None and stored is None:
            raise await self._explain_break("it was stopped, but the app has not ended the run")
        user = read.parent(message) if read and message else None
        if stored is not None and not stored.children:
            self.leaf = stored.id
        answer = fold.answer(
            user_message_id=user.id if user else "",
            message_id=message.id if message else "",
            via=self.via,
            generation_id=self.generation_id,
            finished=time.monotonic(),
            stored=stored,
        )
        return artifacts.add_to(answer, read)

    async def _explain_break(self, why: str) -> AgentError:
        """The error that the app stored for this turn, or else StreamBroken."""
        gone = not (self._lost or self.stored.cut or self._tracker.app.shows(self.page_id))
        # The browser gives no body of a failed request, even if bytes had arrived. And a page that reads in
        # the stream that it must sign in again leaves at once: the tap may never see the last line.
        reads = READS_AFTER_LEAVING if self._stream.canceled and not self._lost else 1
        message = None if gone or self._unheard else await self.stored.read_message(reads)
        partial = self.fold.text
        if message is not None:
            if self._lost or not partial:
                partial = self._choose_longer(message)
            if (failure := find_failure(message)) is not None:
                return failures.from_update(failure, conversation_id=self.conversation_id, partial=partial)
        if self._stream.unreadable:
            await self._drop_stream()
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

    def _choose_longer(self, message: StoredMessage) -> str:
        """The text so far, or the stored one where that goes on from it."""
        text, stored = self.fold.text, read_stored(message).split(message.content)[0]
        return stored if stored.startswith(text) else text

    async def _read_final(self) -> ConversationRead | None:
        """The stored conversation after the run, from the page's own read or from one of ours.

        After READ_PATIENCE it may not be final. None if it could not be read at all.
        """
        by_page = self._key is None and self._tracker.app.shows(self.page_id)
        if by_page and self._recovery is None and not self.stored.cut:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._refetched.wait(), REFETCH_PATIENCE)
        if self._read is not None:
            return self._read
        read = await self.stored.read(lambda read: (self._read or self._find_final(read)) is not None)
        if self._read is None and read is not None and self._find_final(read) is None:
            log.warning("Conversation %s could not be read in its final state.", self.conversation_id)
        return self._read or read

    def _find_final(self, read: ConversationRead | None, *, after_close: bool = True) -> StoredMessage | None:
        """The stored message, if it is final. `after_close`: the read began after the stream was closed."""
        closed = after_close and self._ended and (not self._stream.reason or self.stored.cut)
        return self.stored.find_final(read, closed=closed)

    async def _fail(self, error: AgentError) -> None:
        if isinstance(error, TurnTimeout):
            await self._give_up(error)
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

    async def _give_up(self, error: TurnTimeout) -> None:
        """Stop a run that takes too long, and take what the app has stored of it."""
        # Whether the app may have more than it sent.
        behind = not self._stream.begun or self._clock.measure_idle(time.monotonic()) > STALL
        await self._tracker.app.save_report(error, self.page_id)
        stopped = await stopping.stop_run(self._tracker.app, self.conversation_id)
        await self._drop_stream()
        error.message += ", so the agent stopped the run." if stopped else ". The run could not be stopped."
        if not self._stream.begun:
            error.message += (
                " Nothing came, not even signs of life: there may be a proxy in between that holds answers "
                "back until they are complete."
            )
        if (
            stopped
            and behind
            and (message := await self.stored.read_message(READS_AFTER_LEAVING)) is not None
        ):
            error.partial = self._choose_longer(message)

    async def _drop_stream(self) -> None:
        """Free the connection of a stream that does not end."""
        self.stored.cut = True  # before the browser reports that the stream is gone
        await stopping.drop_stream(self._tracker.app, self.page_id, self.conversation_id, self._key)
        self._end(time.monotonic())
