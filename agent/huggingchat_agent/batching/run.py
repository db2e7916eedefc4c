"""Asks the items of a batch, several at a time, and sends none of them twice."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING

import msgspec

from huggingchat_agent.batching.asking import Asker, ChatAsker
from huggingchat_agent.batching.items import Item, Result, arrange
from huggingchat_agent.choices import Via
from huggingchat_agent.errors import UsageError
from huggingchat_agent.huggingchat import HuggingChat
from huggingchat_agent.parsing import parse_choice

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from huggingchat_agent.batching.cluster import Cluster
    from huggingchat_agent.batching.journal import Journal


async def batch(
    prompts: Iterable[Item | str],
    *,
    chat: HuggingChat | None = None,
    cluster: Cluster | None = None,
    concurrency: int = 4,
    models: Iterable[str] = (),
    via: Via = "page",
    temporary: bool = False,
    journal: Journal | None = None,
    retry_failed: bool = False,
) -> AsyncGenerator[Result, None]:
    """Ask all prompts, each in a conversation of its own, and yield the results as they come.

    At most `concurrency` run at a time. `chat` must be open; without one, a HuggingChat is opened from the
    environment and closed at the end. With `cluster`, its workers ask instead. With `models`, each prompt
    goes to each of them. `temporary` deletes the conversation of each answer. Results in `journal` are
    yielded first and not asked again, except failed ones with `retry_failed`.

    An error of one item is in its result. An error that all items would meet is raised: LoginError,
    SettingsError, BrowserMissing, StorageError. A rate limit makes all items wait as long as the app says.
    After any break the conversation is read before anything is sent again.
    """
    items = arrange(prompts, models)
    if chat is not None and cluster is not None:
        raise UsageError("chat and cluster exclude each other. Leave one of the two out.")
    if not isinstance(concurrency, int) or concurrency < 1:
        raise UsageError(f"The concurrency must be a whole number, 1 or more, not {concurrency!r}.")
    parse_choice("via", via, Via, wrong=UsageError)
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
        if cluster is not None:
            if not cluster.opened:
                await stack.enter_async_context(cluster)
            asker: Asker = cluster.make_asker(via)
        else:
            if chat is None:
                chat = await stack.enter_async_context(HuggingChat())
                await chat.login()
            chat._check_open(loop_needed=True)  # else each item would fail with that error
            asker = ChatAsker(chat, via)
        running = _Batch(asker, journal, temporary=temporary)
        results = await stack.enter_async_context(aclosing(running.run(waiting, concurrency)))
        async for result in results:
            yield result


class _Batch:
    def __init__(self, asker: Asker, journal: Journal | None, *, temporary: bool) -> None:
        self._asker, self._journal, self._temporary = asker, journal, temporary

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
                    await self._asker.delete(result.conversation_id)

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
        begun = time.monotonic()
        result = await self._ask(item)
        return msgspec.structs.replace(result, seconds=round(time.monotonic() - begun, 3))

    async def _ask(self, item: Item) -> Result:
        if self._journal and (conversation_id := self._journal.find_begun(item)):
            return await self._asker.answer(item, conversation_id, earlier=True)
        begun = await self._asker.begin(item)
        if isinstance(begun, Result):
            return begun
        if self._journal is not None:
            self._journal.begin(item, begun.conversation_id)
        result = await self._asker.answer(item, begun.conversation_id, earlier=False)
        # A refusal while the conversation was made counts too.
        return msgspec.structs.replace(result, attempts=result.attempts + begun.attempts - 1)
