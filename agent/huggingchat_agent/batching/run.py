"""Asks the items of a batch, some at a time, and sends none of them twice."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, aclosing, suppress
from typing import TYPE_CHECKING

import msgspec

from huggingchat_agent.batching.items import Item, ItemError, Result, arrange
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
    UsageError,
)
from huggingchat_agent.huggingchat import HuggingChat
from huggingchat_agent.retrying import Failure, attempts
from huggingchat_agent.wire import requests
from huggingchat_agent.wire.retry_rules import ITEM

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from huggingchat_agent.batching.journal import Journal
    from huggingchat_agent.chat.conversation import Conversation
    from huggingchat_agent.choices import Via
    from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage

LOOK_PAUSE = 1.0  # seconds between two reads of a run that an earlier process began

# After these no other item would do better.
_FATAL = (LoginError, SettingsError, BrowserMissing, StorageError)


async def batch(
    prompts: Iterable[Item | str],
    *,
    chat: HuggingChat | None = None,
    concurrency: int = 4,
    models: Iterable[str] = (),
    via: Via = "page",
    temporary: bool = False,
    journal: Journal | None = None,
    retry_failed: bool = False,
) -> AsyncGenerator[Result, None]:
    """Ask all prompts, each in a conversation of its own, and yield the results as they come.

    At most `concurrency` run at a time. `chat` must be open; without one, a HuggingChat is opened from the
    environment and closed at the end. With `models`, each prompt goes to each of them. `temporary` deletes
    the conversation of each answer. What `journal` holds is yielded first and not asked again; with
    `retry_failed`, failed items are.

    An error of one item is in its result. An error that all items would meet is raised: LoginError,
    SettingsError, BrowserMissing, StorageError. A rate limit makes all items wait as long as the app says.
    After any break the conversation is read before anything is sent again.
    """
    items = arrange(prompts, models)
    if concurrency < 1:
        raise UsageError(f"The concurrency is a number from 1 up, not {concurrency}.")
    waiting = []
    for item in items:
        done = journal.find_done(item) if journal else None
        if done is None or (retry_failed and done.status == "failed"):
            waiting.append(item)
        else:
            yield done
    if not waiting:
        return
    async with AsyncExitStack() as stack:
        if chat is None:
            chat = await stack.enter_async_context(HuggingChat())
            await chat.login()
        running = _Batch(chat, via, journal, temporary=temporary)
        results = await stack.enter_async_context(aclosing(running.run(waiting, concurrency)))
        async for result in results:
            yield result


class _Batch:
    def __init__(self, chat: HuggingChat, via: Via, journal: Journal | None, *, temporary: bool) -> None:
        self._chat, self._via, self._journal = chat, via, journal
        self._temporary = temporary
        self._resume_at = 0.0  # no item is sent before that time

    async def run(self, items: list[Item], concurrency: int) -> AsyncGenerator[Result, None]:
        queue: asyncio.Queue[Result | None] = asyncio.Queue()
        left = iter(items)

        async def work() -> None:
            for item in left:
                result = await self._answer(item)
                if self._journal is not None:
                    self._journal.finish(result)
                queue.put_nowait(result)
                if self._temporary and result.status == "answered":
                    await self._delete(result.conversation_id)

        async def work_all() -> None:
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(min(concurrency, len(items))):
                        group.create_task(work())
            finally:
                queue.put_nowait(None)

        workers = asyncio.create_task(work_all(), name="batch")
        try:
            while (result := await queue.get()) is not None:
                yield result
            try:
                await workers
            except BaseExceptionGroup as group:
                raise group.exceptions[0] from None
        finally:
            workers.cancel()
            await asyncio.wait({workers})

    async def _answer(self, item: Item) -> Result:
        begun, number = time.monotonic(), 0
        attempt = _Attempt(self._chat, item, self._via, self._journal)

        def note(failure: Failure) -> None:
            """A rate limit is everyone's: all items wait."""
            self._chat.emit(failure.describe(requests.SEND, attempt.conversation_id))
            if isinstance(failure.error, RateLimited):
                self._resume_at = max(self._resume_at, time.monotonic() + failure.delay)

        try:
            async for each in attempts(ITEM, note, passes=_may_pass):
                with each:
                    number += 1
                    await self._wait_for_limit()
                    result = await attempt.run()
        except _FATAL:
            raise
        except AgentError as error:
            partial = getattr(error, "partial", "")
            said = ItemError(error=type(error).__name__, message=error.message)
            result = attempt.make_result(status="failed", text=partial, error=said)
        return msgspec.structs.replace(result, attempts=number, seconds=round(time.monotonic() - begun, 3))

    async def _wait_for_limit(self) -> None:
        while (left := self._resume_at - time.monotonic()) > 0:  # noqa: ASYNC110 -- it may move meanwhile
            await asyncio.sleep(left)

    async def _delete(self, conversation_id: str) -> None:
        with suppress(ChatError):  # it stays in the list; the result is written
            await self._chat.conversation(conversation_id).delete()


class _Attempt:
    """One item on its way. It knows its conversation from the first attempt on."""

    def __init__(self, chat: HuggingChat, item: Item, via: Via, journal: Journal | None) -> None:
        self._chat, self._item, self._via, self._journal = chat, item, via, journal
        begun = journal.find_begun(item) if journal else ""
        self._talk: Conversation | None = chat.conversation(begun) if begun else None
        self._looks = self._earlier = bool(begun)

    @property
    def conversation_id(self) -> str:
        """That of its conversation, "" before there is one."""
        return self._talk.id if self._talk is not None else ""

    async def run(self) -> Result:
        """Send the message, or take up what the app has of it. Raises as `send` and `read`."""
        item = self._item
        if self._talk is None:
            self._talk = await self._chat.new_conversation(item.model, system_prompt=item.system)
            if self._journal is not None:
                self._journal.begin(item, self._talk.id)
        if self._looks and (result := await self._look_up(self._talk)) is not None:
            return result
        self._looks = True  # whatever happens now, the app may have it
        answer = await self._talk.send(item.prompt, files=item.files, via=self._via)
        return self.make_result(
            status="answered",
            text=answer.text,
            reasoning=answer.reasoning,
            message_id=answer.message_id,
            interrupted=answer.interrupted,
        )

    def make_result(self, **found: object) -> Result:
        return msgspec.convert(
            {
                "id": self._item.key,
                "model": self._item.model,
                "conversation_id": self.conversation_id,
                "fingerprint": self._item.fingerprint,
                **found,
            },
            Result,
        )

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
                    "An earlier run sent the message, and its answer does not come to an end",
                    conversation_id=talk.id,
                    partial=message.content if message else "",
                )
            await asyncio.sleep(LOOK_PAUSE)  # the app has no event for "stored"

    async def _repeat(self, talk: Conversation, message: StoredMessage) -> Result:
        """Let the model answer the same message again. The message is not sent again."""
        answer = await talk.retry(message.id, via=self._via)
        return self.make_result(
            status="answered",
            text=answer.text,
            reasoning=answer.reasoning,
            message_id=answer.message_id,
            looked_up=self._earlier,
        )

    def _make_stored(self, read: ConversationRead, message: StoredMessage) -> Result:
        stored = next(each for each in build_export(read).messages if each.id == message.id)
        return self.make_result(
            status="answered",
            text=stored.text,
            reasoning=stored.reasoning,
            message_id=stored.id,
            looked_up=self._earlier,
        )


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
    if isinstance(error, _FATAL):
        return False
    if isinstance(error, ChatError):
        overloaded = error.status is not None and error.status >= 500
        return isinstance(error, RateLimited | StreamBroken) or overloaded
    return isinstance(error, SiteError) and not isinstance(error, PageChanged)
