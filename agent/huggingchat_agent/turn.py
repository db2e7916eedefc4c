"""One turn: a message and its answer, from what is seen of its exchange.

The tracker feeds it the events of the exchange, in order. A task of its own watches the deadlines
and does what is left when the stream is over: find out how it ended, and read from the conversation
what the server made of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING

from huggingchat_agent import events
from huggingchat_agent.errors import (
    AgentError,
    BrowserClosed,
    ChatError,
    SessionRejected,
    StreamBroken,
    TurnTimeout,
)
from huggingchat_agent.exchange import Chunk, Ended, Failed, Responded
from huggingchat_agent.site import calls
from huggingchat_agent.wire import failures, requests, think, updates
from huggingchat_agent.wire.lines import LineSplitter
from huggingchat_agent.wire.reply import Fold

if TYPE_CHECKING:
    from huggingchat_agent.answer import Answer
    from huggingchat_agent.exchange import ExchangeEvent, Started
    from huggingchat_agent.tracker import Claim, TurnTracker
    from huggingchat_agent.wire.conversations import ConversationRead

log = logging.getLogger("huggingchat_agent")

STREAM_MIMES = ("application/jsonl", "text/event-stream")  # the latter before 2025-03, same lines

# The app refetches the conversation itself when its page has shown the answer; how long to leave it
# the first word, and then how often to look until what it stored is final (its own page does 8
# times 0.4 s after a stop: the store lags the stream).
REFETCH_PATIENCE = 2.0
READS = 12
READ_PAUSE = 0.25

# A stopped run ends its stream at once; if it does not, the stream is dropped after this time.
STOP_PATIENCE = 10.0


class Turn:
    """One message and its answer. `done` is set at the very end; then `answer` or `error` is there."""

    def __init__(
        self, tracker: TurnTracker, started: Started, conversation_id: str, number: int, claim: Claim | None
    ) -> None:
        fields = requests.send_fields(started.body, started.headers.get("content-type", "")) or {}
        self.number = number
        self.conversation_id = conversation_id
        self.page_id = started.page
        self.prompt: str | None = fields.get("inputs")
        self.generation_id: str | None = fields.get("generationId")
        if self.generation_id is None and claim is not None:
            self.generation_id = claim.generation_id
        self.via = claim.via if claim else ""
        self.fold = Fold(conversation_id, number, started.at)
        self.answer: Answer | None = None
        self.error: AgentError | None = None
        self.done = asyncio.Event()
        self.stop_seen = False
        self.read: ConversationRead | None = None
        self._tracker = tracker
        self._listener = claim.listener if claim else None
        self._lines = LineSplitter()
        self._response: Responded | None = None
        self._body = bytearray()
        self._over: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._over_at = 0.0
        self._born = self._last_update = time.monotonic()
        self._updated = False
        self._refetched = asyncio.Event()

    @property
    def running(self) -> bool:
        """Whether its stream is open."""
        return not self._over.done()

    def publish(self, event: events.TurnEvent) -> None:
        if self._listener is not None:
            self._listener(event)
        self._tracker.publish(self, event)

    def begin(self) -> None:
        self.publish(
            self.fold.stamp(
                events.Started,
                self.fold.sent,
                via=self.via,
                prompt=self.prompt,
                generation_id=self.generation_id,
            )
        )

    # What the wire says, in order; called by the tracker's task.

    def feed(self, event: ExchangeEvent) -> None:
        if self._over.done():
            pass  # a deadline passed; what comes now is not part of the answer any more
        elif isinstance(event, Chunk):
            self._feed_chunk(event)
        elif isinstance(event, Responded):
            self._response = event
        elif isinstance(event, Ended):
            self._feed_line(self._lines.close(), event.at)
            self._end(None)
        elif isinstance(event, Failed):
            self._end(event.reason)

    def offer(self, read: ConversationRead, started_at: float) -> None:
        """A read of this conversation that somebody made; good if it began after the stream was over."""
        if self._over.done() and started_at >= self._over_at and self._is_final(read):
            self.read = read
            self._refetched.set()

    def _feed_chunk(self, event: Chunk) -> None:
        if self._is_stream:
            for line in self._lines.feed(event.data):
                self._feed_line(line, event.at)
        else:
            self._body += event.data

    def _feed_line(self, line: bytes, at: float) -> None:
        if not line.strip():
            return
        update = updates.decode(line)
        if type(update) is not updates.KeepAlive:
            self._updated, self._last_update = True, at
        for event in self.fold.feed(update, at):
            self.publish(event)

    def _end(self, reason: str | None) -> None:
        if not self._over.done():
            self._over_at = time.monotonic()
            self._over.set_result(reason)

    @property
    def _is_stream(self) -> bool:
        response = self._response
        return response is not None and response.status == 200 and response.mime in STREAM_MIMES

    # Its own task: deadlines, and the end.

    async def run(self) -> None:
        try:
            reason = await self._until_over()
            self.answer = await self._settle(reason)
        except AgentError as error:
            await self._fail(error)
        else:
            now = time.monotonic()
            self.publish(self.fold.stamp(events.AnswerReady, now, answer=self.answer))
            self.publish(self.fold.stamp(events.Finished, now))
        finally:
            self.done.set()

    async def stop(self) -> None:
        """End the run on the server and return when the turn is done. Nothing if it is over already.

        The stream stays open: the app ends it with the text it stored, which is then the answer.
        """
        if self.running:
            self.stop_seen = True
            session = self._tracker.session
            try:
                await session.ask(
                    requests.stop_generating(self.conversation_id), conversation_id=self.conversation_id
                )
            except AgentError as error:
                log.warning("The run could not be stopped on the server: %s", error)
            try:
                async with asyncio.timeout(STOP_PATIENCE):
                    await asyncio.shield(self._over)
            except TimeoutError:
                await self._drop_stream()
        await self.done.wait()

    async def _until_over(self) -> str | None:
        """Wait for the end of the stream; the reason if it broke. Raises TurnTimeout."""
        limits = self._tracker.session.settings.deadlines
        while True:
            now = time.monotonic()
            due = [(self._born + limits.total, "total", limits.total)]
            if not self._updated:
                due.append((self._born + limits.first_update, "first_update", limits.first_update))
            elif not self.fold.waiting:
                due.append((self._last_update + limits.idle, "idle", limits.idle))
            end, name, limit = min(due)
            if now >= end:
                self._end(name)
                raise TurnTimeout(
                    f"The answer did not keep its {name} deadline of {limit:g} s. The run was stopped; allow "
                    "more time with deadlines=, or ask again.",
                    conversation_id=self.conversation_id,
                    partial=self.fold.text,
                )
            # While the run waits for a tool the idle clock stands; look again when it may start.
            left = min(end - now, limits.idle)
            done, _ = await asyncio.wait({self._over}, timeout=left)
            if done:
                return self._over.result()

    async def _settle(self, reason: str | None) -> Answer:
        self._raise_refusal(reason)
        fold = self.fold
        if fold.error is not None:
            raise failures.from_update(fold.error, conversation_id=self.conversation_id, partial=fold.text)
        if fold.terminal is None and not self.stop_seen:
            gone = self._tracker.session.page(self.page_id) is None
            why = "the browser or its tab went away" if gone else (reason or "it ended without its last line")
            partial = fold.text or await self._stored_text()
            broken = StreamBroken(
                f"The answer's stream broke after {len(partial)} characters: {why}. The text so far is in "
                "`partial`; the conversation may hold more.",
                conversation_id=self.conversation_id,
                partial=partial,
            )
            if gone:
                broken.__cause__ = BrowserClosed(f"In the middle of the answer, {why}.")
            raise broken
        read = await self._final_read()
        message = (self.generation_id and read.by_generation(self.generation_id)) or read.messages[-1]
        user = read.parent(message)
        return fold.answer(
            user_message_id=user.id if user else "",
            message_id=message.id,
            via=self.via,
            generation_id=self.generation_id,
            finished=time.monotonic(),
            stored=message,
        )

    def _raise_refusal(self, reason: str | None) -> None:
        """Raise what the app said instead of beginning a stream."""
        response = self._response
        if self._is_stream or response is None:
            return
        if 300 <= response.status < 400:
            raise SessionRejected(
                "The app no longer knows this session: it answered the message with its sign-in page. "
                "Sign in again (huggingchat login)."
            )
        if reason is None or response.status >= 400:
            raise failures.from_response(
                response.status,
                response.mime,
                bytes(self._body),
                response.headers,
                conversation_id=self.conversation_id,
            )

    async def _stored_text(self) -> str:
        """What the conversation has of this turn, for a stream that broke before the tap got hold of it.

        (The browser gives no body of a request that failed, although bytes had arrived.)
        """
        try:
            read = await self._tracker.read(self.conversation_id)
        except AgentError as error:
            log.warning("The conversation of a broken stream could not be read: %s", error)
            return ""
        message = self.generation_id and read.by_generation(self.generation_id)
        return think.split(message.content)[0] if message else ""

    async def _final_read(self) -> ConversationRead:
        """The conversation as stored when the run is over: the page's own read of it, else one of ours."""
        session = self._tracker.session
        shared = await session.shared_page()
        if self.page_id != shared.id:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REFETCH_PATIENCE):
                    await self._refetched.wait()
        for attempt in range(READS):
            if self.read is not None:
                return self.read
            if attempt:
                await asyncio.sleep(READ_PAUSE)  # the app has no event for "stored"
            read = await self._tracker.read(self.conversation_id)
            if self._is_final(read):
                return read
        return read  # what is stored, though the app never called it final

    def _is_final(self, read: ConversationRead) -> bool:
        if self.generation_id is None:
            return bool(read.messages)
        message = read.by_generation(self.generation_id)
        return message is not None and read.is_terminal(message)

    async def _fail(self, error: AgentError) -> None:
        session = self._tracker.session
        page = session.page(self.page_id)
        if isinstance(error, TurnTimeout):
            if page is not None:
                await session.explain(error, page)
            await self._stop_quietly()
        if isinstance(error, ChatError):
            error.conversation_id = error.conversation_id or self.conversation_id
        self.error = error
        self.publish(
            self.fold.stamp(
                events.Failed,
                time.monotonic(),
                error=type(error).__name__,
                message=str(error),
                partial=getattr(error, "partial", ""),
            )
        )

    async def _stop_quietly(self) -> None:
        try:
            await self._tracker.session.ask(requests.stop_generating(self.conversation_id))
        except AgentError as error:
            log.warning("The run could not be stopped on the server: %s", error)
        await self._drop_stream()

    async def _drop_stream(self) -> None:
        """Free the connection of a stream that does not end."""
        session = self._tracker.session
        page = session.page(self.page_id)
        if page is None:
            return
        try:
            if self.via == "page" and self.generation_id:
                await calls.abort(page, self.generation_id, timeout=session.settings.step_timeout)
            else:
                await session.close_tab(self.conversation_id)
        except AgentError as error:
            log.warning("The stream could not be dropped: %s", error)
        self._end("dropped")
