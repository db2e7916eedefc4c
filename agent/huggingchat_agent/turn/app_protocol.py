"""The app as a turn sees it, besides the exchange it watches.

A session is one such app, with a browser behind it. A played tape is another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from huggingchat_agent.wire import purposes, requests
from huggingchat_agent.wire.conversations import parse_conversation

if TYPE_CHECKING:
    from huggingchat_agent import events
    from huggingchat_agent.errors import AgentError
    from huggingchat_agent.setting_values import Deadlines
    from huggingchat_agent.wire.conversations import ConversationRead
    from huggingchat_agent.wire.means import Means
    from huggingchat_agent.wire.requests import Call


class App(Protocol):
    """Pages are named by the ids that exchange events carry."""

    base_path: str
    """The app's path on its host: "/chat", or ""."""
    deadlines: Deadlines
    """How long a turn may take."""
    recovers: bool
    """Whether to resume an answer whose stream broke."""

    def shows(self, page_id: str) -> bool:
        """Whether that page is still open."""

    async def ask(self, request: Call, *, conversation_id: str = "") -> bytes:
        """Make a request and return the body of a success. Raises the error that fits any other answer."""

    async def open_stream(self, request: Call, key: str) -> None:
        """Start a streaming request, whose answer is seen as exchange events only. Raises as `ask`.

        UsageError or TapeMismatch mean that no request can be made here any more. `key` is for
        `abort_stream`.
        """

    async def abort_stream(self, key: str) -> None:
        """Drop a stream that `open_stream` started."""

    async def drop_stream(self, page_id: str, conversation_id: str, key: str | None) -> None:
        """Free the connection of a run's stream. The run itself goes on.

        `key` names a stream that the agent started; None for one of the page's own.
        """

    def note(self, event: events.Retrying, /) -> object:
        """Report a retry."""

    def note_means(self, means: Means) -> None:
        """Note by which means a need was served."""

    def explain(self, error: AgentError) -> None:
        """Add to the error of a refused request what is known of its cause."""

    async def save_report(self, error: AgentError, page_id: str = "") -> None:
        """Save a picture of the page beside errors that it explains."""


async def read_conversation(app: App, conversation_id: str) -> ConversationRead:
    """Read a conversation by a request of the agent's own."""
    request = requests.build(purposes.ReadConversation(conversation_id))
    body = await app.ask(request, conversation_id=conversation_id)
    return parse_conversation(body, conversation_id)
