"""Asks items in one chat, each in a conversation of its own, and sends none of them twice."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import msgspec

from huggingchat_agent import redact
from huggingchat_agent.batching.items import ItemError, Result
from huggingchat_agent.chat import uploads
from huggingchat_agent.chat.export import build_export
from huggingchat_agent.errors import (
    AgentError,
    BrowserMissing,
    ChatError,
    LoginError,
    PageChanged,
    RateLimited,
    SettingsError,
    SiteError,
    StorageError,
    StreamBroken,
    TurnTimeout,
)
from huggingchat_agent.retrying import Failure, attempts
from huggingchat_agent.wire import requests
from huggingchat_agent.wire.retry_rules import ITEM

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from huggingchat_agent.answer import Answer
    from huggingchat_agent.batching.items import Item
    from huggingchat_agent.chat.conversation import Conversation
    from huggingchat_agent.chat.export import ExportedMessage
    from huggingchat_agent.choices import Via
    from huggingchat_agent.huggingchat import HuggingChat
    from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage

T = TypeVar("T")

LOOK_PAUSE = 1.0  # seconds between two reads of a run that an earlier process began

# After these errors no other item would succeed.
FATAL = (LoginError, SettingsError, BrowserMissing, StorageError)


class Begun(NamedTuple):
    """The conversation of an item."""

    conversation_id: str
    attempts: int
    """How often making it was tried."""


class Asker(Protocol):
    """The two steps of an item. Between them, the journal notes its conversation."""

    async def begin(self, item: Item) -> Begun | Result:
        """Make the conversation of an item. Returns the item's result if that failed. Raises errors that all
        items would meet.
        """

    async def answer(self, item: Item, conversation_id: str, *, earlier: bool) -> Result:
        """Send the message, or continue with what the app has of it. Raises errors that all items would meet.

        `earlier`: it may have been sent before, so the conversation is read first.
        """

    async def delete(self, conversation_id: str) -> None:
        """Delete a conversation, if that is possible."""


class ChatAsker:
    """Asks in an open chat. Implements `Asker`."""

    def __init__(self, chat: HuggingChat, via: Via) -> None:
        self._chat, self._via = chat, via
        self._resume_at = 0.0  # no item is sent before that time

    async def begin(self, item: Item) -> Begun | Result:
        async def make() -> str:
            # Now, so that a missing file leaves no empty conversation.
            await asyncio.to_thread(uploads.read, item.files)
            return (await self._chat.new_conversation(item.model, system_prompt=item.system)).id

        made, number = await self._repeat(make, requests.CREATE)
        if isinstance(made, AgentError):
            return make_result(item, error=made, attempts=number)
        return Begun(made, number)

    async def answer(self, item: Item, conversation_id: str, *, earlier: bool) -> Result:
        attempt = _Attempt(self._chat, item, self._via, conversation_id, earlier=earlier)
        found, number = await self._repeat(attempt.run, requests.SEND, conversation_id)
        if isinstance(found, AgentError):
            return make_result(item, conversation_id, error=found, attempts=number)
        return msgspec.structs.replace(found, attempts=number)

    async def delete(self, conversation_id: str) -> None:
        with suppress(ChatError):  # it stays in the list; the result is written
            await self._chat.conversation(conversation_id).delete()

    async def _repeat(
        self, step: Callable[[], Awaitable[T]], request: str, conversation_id: str = ""
    ) -> tuple[T | AgentError, int]:
        """The outcome of a step, and how often it was tried. Raises UsageError if the chat is closed."""
        self._chat._check_open()
        number = 0

        def note(failure: Failure) -> None:
            """A rate limit is everyone's: all items wait."""
            self._chat.emit(failure.describe(request, conversation_id))
            if isinstance(failure.error, RateLimited):
                self._resume_at = max(self._resume_at, time.monotonic() + failure.delay)

        try:
            async for each in attempts(ITEM, note, passes=_may_pass):
                with each:
                    number += 1
                    await self._wait_for_limit()
                    found = await step()
        except FATAL:
            raise
        except AgentError as error:
            self._chat._check_open()  # not the item's error
            return error, number
        return found, number

    async def _wait_for_limit(self) -> None:
        while (left := self._resume_at - time.monotonic()) > 0:  # noqa: ASYNC110 -- it may move meanwhile
            await asyncio.sleep(left)


def make_result(
    item: Item, conversation_id: str = "", *, error: AgentError | None = None, **found: Any
) -> Result:
    """The result of an item. With an error, it has the partial answer."""
    if error is not None:
        found |= {
            "status": "failed",
            "text": getattr(error, "partial", ""),
            "error": ItemError(error=type(error).__name__, message=redact.text(error.message)),
        }
    known = {"id": item.key, "model": item.model, "conversation_id": conversation_id}
    return msgspec.convert({**known, "fingerprint": item.fingerprint, **found}, Result)


class _Attempt:
    """One item on its way, in its conversation."""

    def __init__(
        self, chat: HuggingChat, item: Item, via: Via, conversation_id: str, *, earlier: bool
    ) -> None:
        self._chat, self._item, self._via = chat, item, via
        self._talk = chat.conversation(conversation_id)
        self._looks = self._earlier = earlier

    async def run(self) -> Result:
        """Send the message, or continue with what the app has of it. Raises as `send` and `read`."""
        item = self._item
        if self._looks and (result := await self._look_up(self._talk)) is not None:
            return result
        fetched = [await self._chat.fetch_file(url) for url in item.attach]
        self._looks = True  # whatever happens now, the app may have it
        answer = await self._talk.send(item.prompt, files=[*item.files, *fetched], via=self._via)
        return self._make_result(answer, answer.message_id, interrupted=answer.interrupted)

    def _make_result(self, found: Answer | ExportedMessage, message_id: str, **more: Any) -> Result:
        more |= {"text": found.text, "reasoning": found.reasoning, "message_id": message_id}
        return make_result(self._item, self._talk.id, status="answered", **more)

    async def _look_up(self, talk: Conversation) -> Result | None:
        """The answer that the app has, once its run is over. None if it never got the message."""
        end = time.monotonic() + self._chat.settings.deadlines.total
        while True:
            read = await talk.read()
            asked = [each for each in read.messages if each.author == "user"]
            if not asked:
                return None
            message = _find_answer(read, asked[-1])
            if message is not None and (message.interrupted or _has_failed(read, message)):
                return await self._repeat(talk, message)
            if message is not None and read.is_terminal(message):
                return self._make_stored(read, message)
            if time.monotonic() > end:
                raise TurnTimeout(
                    "An earlier run sent the message, and its answer is still not complete.",
                    conversation_id=talk.id,
                    partial=message.content if message else "",
                )
            await asyncio.sleep(LOOK_PAUSE)  # the app has no event for "stored"

    async def _repeat(self, talk: Conversation, message: StoredMessage) -> Result:
        """Let the model answer the same message again. The message is not sent again."""
        answer = await talk.retry(message.id, via=self._via)
        return self._make_result(answer, answer.message_id, looked_up=self._earlier)

    def _make_stored(self, read: ConversationRead, message: StoredMessage) -> Result:
        stored = next(each for each in build_export(read).messages if each.id == message.id)
        return self._make_result(stored, stored.id, looked_up=self._earlier)


def _find_answer(read: ConversationRead, asked: StoredMessage) -> StoredMessage | None:
    if asked.children:
        return read.message(asked.children[-1])
    # Older apps send no tree.
    later = read.messages[read.messages.index(asked) + 1 :]
    return next((each for each in later if each.author == "assistant"), None)


def _has_failed(read: ConversationRead, message: StoredMessage) -> bool:
    stored = next((each for each in build_export(read).messages if each.id == message.id), None)
    return stored is not None and stored.error is not None


def _may_pass(error: BaseException) -> bool:
    """Whether another attempt may do better."""
    if isinstance(error, FATAL):
        return False
    if isinstance(error, ChatError):
        overloaded = error.status is not None and error.status >= 500
        return isinstance(error, RateLimited | StreamBroken) or overloaded
    return isinstance(error, SiteError) and not isinstance(error, PageChanged)
