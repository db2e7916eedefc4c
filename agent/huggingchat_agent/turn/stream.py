"""The stream of one turn over one exchange: its lines as updates, its refusal, its end. No I/O.

A turn has one of these for each exchange that carries it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggingchat_agent.errors import SIGN_IN_AGAIN, SessionRejected
from huggingchat_agent.exchange import Chunk, Ended, Failed, Responded
from huggingchat_agent.wire import failures, updates
from huggingchat_agent.wire.lines import LineSplitter
from huggingchat_agent.wire.tap import STREAMS

if TYPE_CHECKING:
    from huggingchat_agent.errors import AgentError
    from huggingchat_agent.exchange import ExchangeEvent


class Stream:
    """Turns the events of an exchange, fed in order, into updates.

    After the last event `over` is true. `reason` then says why the stream broke, "" if it ended cleanly,
    and `canceled` whether the page itself dropped it.
    """

    def __init__(self) -> None:
        self.over = self.canceled = False
        self.reason = ""
        self._response: Responded | None = None
        self._is_stream = False
        self._lines = LineSplitter()
        self._body = bytearray()  # of an answer that is not a stream

    def feed(self, event: ExchangeEvent) -> list[updates.Update]:
        """The updates that the event completes."""
        if isinstance(event, Chunk):
            if self._is_stream:
                return list(map(updates.decode, self._lines.feed(event.data)))
            self._body += event.data
        elif isinstance(event, Responded):
            self._response = event
            self._is_stream = event.status == 200 and event.mime in STREAMS
        elif isinstance(event, Ended | Failed):
            self.over = True
            if isinstance(event, Failed):
                self.reason, self.canceled = event.reason, event.canceled
            rest = self._lines.close()
            if rest and not self.reason:  # a broken stream ends with half a line
                return [updates.decode(rest)]
        return []

    def refusal(self, conversation_id: str) -> AgentError | None:
        """The error that the app answered with in place of a stream, or None."""
        response = self._response
        if response is None or self._is_stream:
            return None
        if 300 <= response.status < 400:
            return SessionRejected(
                "The app no longer knows this session: it answered the message with its sign-in page.",
                **SIGN_IN_AGAIN,
            )
        if self.reason and response.status < 400:
            return None
        return failures.from_response(
            response.status,
            response.mime,
            bytes(self._body),
            response.headers,
            conversation_id=conversation_id,
        )
