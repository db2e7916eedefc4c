"""Reads what the app has stored of one turn."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from huggingchat_agent import events
from huggingchat_agent.errors import AgentError, ChatError, SiteError, UsageError
from huggingchat_agent.log_records import log
from huggingchat_agent.retrying import Failure
from huggingchat_agent.turn.app_protocol import read_conversation
from huggingchat_agent.turn.written import find_written
from huggingchat_agent.wire import updates
from huggingchat_agent.wire.means import Means

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.turn.app_protocol import App
    from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage
    from huggingchat_agent.wire.fold import Fold


READ = "GET /api/v2/conversations/{conversation_id}"

# The store lags behind the stream: after a stop, the app's own page reads 8 times in 0.4 s steps.
READS = 12
READ_PAUSE = 0.25  # seconds
READ_PATIENCE = 10.0  # seconds in all, if the app is slow to answer


class Stored:
    """Reads a conversation, and finds in it the message that a turn wrote.

    `request` is what was posted, `generation_id` the run's, None in older apps.
    """

    def __init__(
        self, app: App, conversation_id: str, request: dict[str, Any], generation_id: str | None, fold: Fold
    ) -> None:
        self.generation_id = generation_id
        self.cut = False  # the agent dropped the stream
        self.copies = 0  # how often the app holds the message; apps without generation ids do not show it
        self._app, self._conversation_id = app, conversation_id
        self._request, self._fold = request, fold

    @property
    def resumed(self) -> str:
        """The question that the run continues after, "" if it continues none."""
        return str(self._request.get("resumeElicitationId") or "")

    async def read(
        self, enough: Callable[[ConversationRead | None], bool], most: int = READS
    ) -> ConversationRead | None:
        """Read until it is `enough`, at most `most` times. Returns the last read, None if all failed."""
        read = None
        # A run whose stream the agent dropped may go on for some seconds, and is stored at its end.
        most *= 4 if self.cut else 1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READ_PATIENCE):
                for attempt in range(most):
                    if attempt:
                        await asyncio.sleep(READ_PAUSE)  # the app has no event for "stored"
                    try:
                        read = await self.read_once()
                    except UsageError:  # the chat was closed meanwhile, and has said what remains
                        break
                    except AgentError as error:
                        log.warning("Conversation %s could not be read: %s", self._conversation_id, error)
                        if not may_pass(error):
                            break
                        if attempt + 1 < most:
                            again = Failure(error, attempt + 2, READ_PAUSE)
                            self._app.note(again.describe(READ, self._conversation_id))
                    if enough(read):
                        break
        return read

    async def read_once(self) -> ConversationRead:
        """The conversation as it is now. Raises what the app or the browser says instead."""
        read = await read_conversation(self._app, self._conversation_id)
        self.count_copies(read)
        return read

    def count_copies(self, read: ConversationRead) -> None:
        """Note how often the app holds the message: more than once where the browser repeated its request."""
        if self.generation_id:
            self.copies = max(self.copies, len(read.of_generation(self.generation_id)))

    def report_copies(self) -> None:
        """Report a request that Chromium repeated by itself. It does so, for a POST too, if a connection that
        it has used before breaks before the headers of the answer. The agent prevents it over HTTP/1.1 only.
        """
        for attempt in range(2, self.copies + 1):
            self._app.note(
                events.Retrying(
                    conversation_id=self._conversation_id,
                    request="POST /conversation/{conversation_id}",
                    attempt=attempt,
                    delay=0.0,
                    reason="the connection broke before the answer began, and the browser sent the message "
                    "again by itself; the conversation holds both",
                )
            )

    async def read_message(self, most: int = 1) -> StoredMessage | None:
        """The stored message once its run is over; after `most` reads, its state at that time."""
        if not (self.generation_id or self._request):
            return None

        def is_enough(read: ConversationRead | None) -> bool:
            message = self.find_message(read)
            return read is None or message is None or read.is_terminal(message)

        return self.find_message(await self.read(is_enough, most))

    def find_message(self, read: ConversationRead | None) -> StoredMessage | None:
        """The message that this turn wrote."""
        content = self._fold.merge_content()
        return find_written(read, self._request, self.generation_id, content) if read else None

    def note_means(self, message: StoredMessage | None, *, stopped: bool) -> None:
        """Note how the message was found, and how the app ended the run."""
        if message is not None:
            named = bool(message.generation_id) and message.generation_id == self.generation_id
            self._app.note_means(Means.WRITTEN_BY_ID if named else Means.WRITTEN_BY_PLACE)
        last = self._fold.terminal
        if stopped:
            self._app.note_means(Means.STOPPED_BY_LINE if last else Means.STOPPED_BY_STORE)
        else:
            self._app.note_means(Means.END_BY_FINISHED if last == "finished" else Means.END_BY_STREAM)

    def find_final(self, read: ConversationRead | None, *, closed: bool) -> StoredMessage | None:
        """The message that this turn wrote, if it is stored in its final state.

        `closed`: the read began after the app closed the stream.
        """
        message = self.find_message(read)
        if message is None or read is None:
            return None
        if read.is_terminal(message):
            return message if self._ends_this_turn(message) else None
        # Apps without generation ids store a run before they close its stream. Those of 2025 store no end of
        # a run that was stopped.
        return message if closed and not message.generation_id and (message.content or not self.cut) else None

    def _ends_this_turn(self, message: StoredMessage) -> bool:
        """Whether the stored end is the end of this turn.

        A parked message already has an end. The run that resumes it ends with the final answer or with
        another question.
        """
        if not self.resumed or message.interrupted:
            return True
        stored = [updates.parse(each) for each in message.updates]
        if self._fold.parked:
            asked = {
                each.request.elicitation_id for each in stored if isinstance(each, updates.ElicitationRequest)
            }
            return self._fold.questions <= asked
        return any(isinstance(each, updates.FinalAnswer | updates.Errored) for each in stored)


def may_pass(error: AgentError) -> bool:
    """Whether to read again: not if the conversation, the browser or the session is gone."""
    if isinstance(error, ChatError):
        return error.status not in (403, 404)
    return isinstance(error, SiteError)


def find_failure(message: StoredMessage) -> updates.Errored | None:
    """Why the run that wrote the message failed, if the app stored that."""
    stored = (updates.parse(each) for each in reversed(message.updates))
    return next((each for each in stored if isinstance(each, updates.Errored)), None)
