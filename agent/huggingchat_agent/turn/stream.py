"""The stream of one turn over one exchange: its lines as updates, its refusal, its end. No I/O.

A turn has one of these for each exchange that carries it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from huggingchat_agent.errors import SIGN_IN_AGAIN, PageChanged, SessionRejected
from huggingchat_agent.exchange import Chunk, Ended, Failed, Responded
from huggingchat_agent.wire import failures, updates
from huggingchat_agent.wire.lines import LineSplitter, LineTooLong
from huggingchat_agent.wire.tap import STREAMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggingchat_agent.errors import AgentError
    from huggingchat_agent.exchange import ExchangeEvent

# What is kept of an answer that is not a stream.
LONGEST_REFUSAL = 1024 * 1024  # bytes

# What is kept of a stream, to compare its lines with those that we know.
HEAD = 16 * 1024  # bytes of its beginning
TAIL = 4  # pieces of its end


class Stream:
    """Turns the events of an exchange, fed in order, into updates.

    After the last event `over` is true. `reason` then says why the stream broke, "" if it ended cleanly,
    `canceled` whether the page itself dropped it, and `unreadable` whether another stream would not help.
    """

    def __init__(self, *, with_files: bool = False) -> None:
        self._with_files = with_files
        self.over = self.canceled = self.unreadable = False
        self.reason = ""
        self.begun = False  # whether any of the answer came
        self._response: Responded | None = None
        self._is_stream = False
        self._lines = LineSplitter()
        self._body = bytearray()  # of an answer that is not a stream
        self._head, self._tail = bytearray(), deque[bytes](maxlen=TAIL)

    @property
    def why(self) -> str:
        """Why it is over before its last line."""
        if self._is_unclear:
            assert self._response is not None
            return f"it was answered with status {self._response.status}"
        return self.reason or "it ended without its last line"

    @property
    def sample(self) -> list[bytes]:
        """Its beginning and its end, the same twice if it is short. Both may cut a line."""
        return [bytes(self._head), b"".join(self._tail)]

    @property
    def _is_unclear(self) -> bool:
        """Whether the answer is no stream and does not say whether the app has taken the message: a gateway
        gives up on an app that is slow, or that it lost after passing the message on.
        """
        response = self._response
        return (
            response is not None
            and not self._is_stream
            and (response.status >= 500 or response.status == 408)
        )

    def may_go_on(self, conversation_id: str) -> bool:
        """Whether the run may go on without this stream."""
        return not self.unreadable and (self._is_unclear or self.make_refusal(conversation_id) is None)

    def feed(self, event: ExchangeEvent) -> Sequence[updates.Update]:
        """The updates that the event completes."""
        if isinstance(event, Chunk):
            self.begun = True
            if self._is_stream:
                if len(self._head) < HEAD:
                    self._head += event.data[:HEAD]
                self._tail.append(event.data)
                try:
                    return updates.decode_lines(self._lines.take(event.data))
                except LineTooLong as error:
                    self.over = self.unreadable = True
                    self.reason = str(error)
            elif len(self._body) < LONGEST_REFUSAL:
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

    def make_refusal(self, conversation_id: str) -> AgentError | None:
        """The error that the app answered instead of a stream, or None."""
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
        if response.status == 404 and failures.is_unknown_route(response.status, response.mime):
            return PageChanged(
                "This app has no POST /conversation/ID (404), so it took no message.",
                part="the route POST /conversation/{conversation_id}",
            )
        return failures.from_response(
            response.status,
            response.mime,
            bytes(self._body),
            response.headers,
            conversation_id=conversation_id,
            with_files=self._with_files,
        )
