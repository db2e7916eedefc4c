"""What a worker of a cluster does for a batch. It holds one browser, signed in as its own environment says.

The steps are Dask tasks. Dask may run one twice: a worker can die, or lose the scheduler and go on working.
So the sending step reads its conversation first, and a lease keeps two workers apart. Tasks take and return
JSON without secrets, because the dashboard and the logs of a cluster show it.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from huggingchat_agent.batching.asking import ChatAsker
from huggingchat_agent.batching.items import Item, Result
from huggingchat_agent.choices import Via
from huggingchat_agent.error_values import Fault, make_fault
from huggingchat_agent.huggingchat import HuggingChat
from huggingchat_agent.setting_values import Deadlines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

IDLE_SECONDS = 60.0  # after the last task a worker's browser ends


class Options(msgspec.Struct, frozen=True):
    """What all workers have in common. They take the other settings from their environment."""

    base_url: str
    via: Via
    deadlines: Deadlines


class Begun(msgspec.Struct, frozen=True, tag="begun"):
    """A conversation, and the worker that made it."""

    conversation_id: str
    worker: str
    attempts: int = 1


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The end of an item."""

    result: Result


class Broken(msgspec.Struct, frozen=True, tag="broken"):
    """An error that every item of this worker would meet."""

    fault: Fault
    worker: str


Reply = Begun | Finished | Broken


async def begin(options: bytes, item: bytes) -> bytes:
    """Make the conversation of an item."""

    async def work() -> Begun | Finished:
        async with _hold(options) as asker:
            made = await asker.begin(msgspec.json.decode(item, type=Item))
        if isinstance(made, Result):
            return Finished(made)
        return Begun(made.conversation_id, _name_worker(), made.attempts)

    return await _report(work())


async def answer(options: bytes, item: bytes, conversation_id: str) -> bytes:
    """Send an item, or continue with what the app has of it."""

    async def work() -> Finished:
        async with _hold(options) as asker, _lease(conversation_id):
            decoded = msgspec.json.decode(item, type=Item)
            return Finished(await asker.answer(decoded, conversation_id, earlier=True))

    return await _report(work())


async def delete(options: bytes, conversation_id: str) -> bytes:
    """Delete a conversation."""

    async def work() -> Begun:
        async with _hold(options) as asker:
            await asker.delete(conversation_id)
        return Begun(conversation_id, _name_worker())

    return await _report(work())


async def _report(work: Awaitable[Reply]) -> bytes:
    """The outcome as a value. Dask would log an error with the arguments of the task."""
    try:
        reply = await work
    except Exception as error:
        reply = Broken(make_fault(error), _name_worker())
    return msgspec.json.encode(reply, enc_hook=str)


def _name_worker() -> str:
    from distributed import get_worker

    return str(get_worker().address)


@asynccontextmanager
async def _lease(conversation_id: str) -> AsyncIterator[None]:
    """Keeps two tasks from using a conversation at once.

    A lease that its holder does not renew ends after `distributed.scheduler.locks.lease-timeout`. A worker
    that lost the scheduler has ended its browser by then.
    """
    from distributed import Semaphore

    semaphore = await Semaphore(max_leases=1, name=name_lease(conversation_id))
    try:
        async with semaphore:
            yield
    finally:
        if renewal := getattr(semaphore, "refresh_callback", None):
            renewal.stop()


def name_lease(conversation_id: str) -> str:
    """The name of a conversation's lease, in the whole cluster."""
    return f"huggingchat-{conversation_id}"


class _Holder:
    """The browser of this worker. It opens with the first task, and ends some time after the last."""

    def __init__(self) -> None:
        self._opening = asyncio.Lock()
        self._asker: ChatAsker | None = None
        self._chat: HuggingChat | None = None
        self._users = 0
        self._idle: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def use(self, options: Options) -> AsyncIterator[ChatAsker]:
        self._users += 1
        if self._idle is not None:
            self._idle.cancel()
        try:
            async with self._opening:
                if self._asker is None:
                    self._asker = await self._open(options)
            yield self._asker
        finally:
            self._users -= 1
            if not self._users:
                loop = asyncio.get_running_loop()
                self._idle = loop.call_later(IDLE_SECONDS, self._begin_end)

    async def _open(self, options: Options) -> ChatAsker:
        chat = await HuggingChat(base_url=options.base_url, deadlines=options.deadlines).open()
        try:
            await chat.login()
        except BaseException:
            await chat.close()
            raise
        self._chat = chat
        return ChatAsker(chat, options.via)

    def _begin_end(self) -> None:
        self._ending = asyncio.create_task(self._close(), name="end an idle browser")

    async def _close(self) -> None:
        async with self._opening:
            if not self._users and self._chat is not None:
                chat, self._chat, self._asker = self._chat, None, None
                await chat.close()


_holders: dict[bytes, _Holder] = {}


def _hold(options: bytes) -> AbstractAsyncContextManager[ChatAsker]:
    holder = _holders.setdefault(options, _Holder())
    return holder.use(msgspec.json.decode(options, type=Options))
