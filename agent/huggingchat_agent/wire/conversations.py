"""Conversations as the app stores them: a tree of messages, in an array in order of creation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from huggingchat_agent.answer import Router
from huggingchat_agent.errors import PageChanged
from huggingchat_agent.wire import superjson
from huggingchat_agent.wire.content import find_content, is_page_data
from huggingchat_agent.wire.structs import convert, require_list


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One message. `author` is "system", "user" or "assistant".

    `ancestors` has the root first and the parent last. `updates` are the lines of the stream as they
    were stored (`wire.updates.parse` reads them). `materialized_seq` is the number of the last line
    that `content` contains (see the reattach stream). Keys without a field here are in `extra`.
    """

    id: str
    author: str = msgspec.field(name="from")
    content: str = ""
    children: list[str] = []
    ancestors: list[str] = []
    created_at: datetime | None = None
    updated_at: datetime | None = None
    files: list[dict[str, Any]] = []
    updates: list[dict[str, Any]] = []
    interrupted: bool = False
    generation_id: str | None = None
    materialized_seq: int | None = None
    reasoning: str = ""
    router_metadata: dict[str, Any] | None = None
    extra: dict[str, Any] = {}

    @property
    def router(self) -> Router | None:
        """The router's choice, None if no router was used."""
        return None if self.router_metadata is None else convert(Router, self.router_metadata)


class ConversationRead(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A conversation with all its branches. Messages are in order of creation.

    `page_data` is true if this comes from the data of a page, as in apps before June 2025. In these apps a
    run ends with its stream.
    """

    messages: list[StoredMessage]
    id: str = ""
    title: str = ""
    model: str = ""
    preprompt: str = ""
    root_message_id: str = ""
    updated_at: datetime | None = None
    shared: bool = False
    page_data: bool = False
    extra: dict[str, Any] = {}

    def message(self, message_id: str) -> StoredMessage | None:
        """The message of that id."""
        return next((each for each in self.messages if each.id == message_id), None)

    def by_generation(self, generation_id: str) -> StoredMessage | None:
        """The message that a run wrote; of several the newest, which is the one that a stream shows."""
        found = self.of_generation(generation_id)
        return found[-1] if found else None

    def of_generation(self, generation_id: str) -> list[StoredMessage]:
        """The messages with that id; several if a browser repeated the request."""
        return [each for each in self.messages if each.generation_id == generation_id]

    def parent(self, message: StoredMessage) -> StoredMessage | None:
        """The message it answers, None for the root."""
        return self.message(message.ancestors[-1]) if message.ancestors else None

    def path(self, leaf: str | None = None) -> list[StoredMessage]:
        """From the root to the active leaf, both included. Raises as `active_leaf`."""
        end = self.active_leaf(leaf)
        by_id = {each.id: each for each in self.messages}
        return [by_id[each] for each in end.ancestors if each in by_id] + [end]

    def active_leaf(self, leaf: str | None = None) -> StoredMessage:
        """The message the app would show last and answer next.

        It starts at the newest message, or at the one the app remembers (`leaf`), and goes down, always to
        the newest child. Raises PageChanged if there are no messages.
        """
        if not self.messages:
            raise PageChanged(f"Conversation {self.id} has no messages, not even the first empty one.")
        by_id = {each.id: each for each in self.messages}
        message = by_id.get(leaf or "", self.messages[-1])
        # At most as many steps as there are messages: two could name each other.
        for _ in self.messages:
            if not message.children or message.children[-1] not in by_id:
                break
            message = by_id[message.children[-1]]
        return message

    def forks(self) -> dict[str, list[str]]:
        """The messages with more than one child, and those children in order of creation."""
        return {each.id: each.children for each in self.messages if len(each.children) > 1}

    def is_terminal(self, message: StoredMessage) -> bool:
        """Whether the run that wrote the message is over.

        A run that parked on a question ends. The run that resumes it begins with the outcome of the question,
        and an end before that no longer counts.
        """
        if message.interrupted:
            return True
        for each in reversed(message.updates):
            kind = (each.get("type"), each.get("status" if each.get("type") == "status" else "subtype"))
            if kind in _ENDS:
                return True
            if kind == _SETTLED:
                return False
        return False


_ENDS = (("finalAnswer", None), ("status", "error"), ("status", "finished"))
_SETTLED = ("elicitation", "resolved")


class ConversationSummary(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One entry of the list of conversations."""

    id: str
    title: str = ""
    model: str = ""
    updated_at: datetime | None = None
    extra: dict[str, Any] = {}


class ConversationPage(msgspec.Struct, frozen=True):
    """One page of that list, newest first.

    Where an app does not say whether there is more, `has_more` is true until a page is empty.
    """

    conversations: list[ConversationSummary]
    has_more: bool


def parse_conversation(body: bytes, conversation_id: str = "") -> ConversationRead:
    """A conversation from any of the app's answers that hold one.

    These are `/api/v2/conversations/<id>`, the older `/api/conversation/<id>` (messages without
    their tree) and the page data of 2025-04 (without the conversation's id: give it). Raises
    PageChanged for any other answer, and ChatError for page data that says why it has none.
    """
    raw = find_content(body, "messages")
    if isinstance(raw, dict):
        raw = {"id": conversation_id, **raw, "pageData": is_page_data(body)}
    return _parse_conversation(raw)


def parse_new_conversation(body: bytes) -> tuple[str, ConversationRead | None]:
    """The id in the answer to creating a conversation, and the conversation where the app sends it."""
    raw = superjson.load(body)
    conversation_id = raw.get("conversationId") if isinstance(raw, dict) else None
    if not isinstance(conversation_id, str):
        raise PageChanged("The app's answer to a new conversation holds no conversationId.")
    text = raw.get("conversation")
    return conversation_id, _parse_conversation(superjson.load(text)) if isinstance(text, str) else None


def parse_list(body: bytes, *, before: int = 0) -> ConversationPage:
    """A page of the list of conversations, from the v2 route, the older one, or 2025-04 page data.

    `before` counts the conversations on the pages before it: some apps send only the total.
    """
    raw = find_content(body, "conversations")
    page = raw if isinstance(raw, dict) else {"conversations": raw}
    entries = require_list(page["conversations"], "conversations")
    more, total = page.get("hasMore"), page.get("nConversations")
    if more is None:
        more = before + len(entries) < total if isinstance(total, int) else bool(entries)
    return ConversationPage([_parse_summary(each) for each in entries], bool(more))


def parse_share(body: bytes) -> str:
    """The id of a shared snapshot, from the id itself or from the end of an address."""
    raw = superjson.load(body)
    share = (raw.get("shareId") or raw.get("url")) if isinstance(raw, dict) else None
    if not isinstance(share, str) or not (share_id := share.rstrip("/").rpartition("/")[2]):
        raise PageChanged("The app's answer to sharing a conversation holds no link.")
    return share_id


def _parse_conversation(raw: Any) -> ConversationRead:
    if not isinstance(raw, dict):
        raise PageChanged("The app's answer holds no messages.")
    messages = [convert(StoredMessage, each) for each in require_list(raw.get("messages"), "messages")]
    model = raw.get("model") or raw.get("modelId")
    root = raw.get("rootMessageId") or (messages[0].id if messages else None)
    return convert(ConversationRead, {**raw, "messages": messages, "model": model, "rootMessageId": root})


def _parse_summary(raw: Any) -> ConversationSummary:
    if isinstance(raw, dict):
        raw = {**raw, "id": raw.get("id") or raw.get("_id"), "model": raw.get("model") or raw.get("modelId")}
    return convert(ConversationSummary, raw)
