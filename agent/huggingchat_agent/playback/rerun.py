"""What the agent did on a full tape, done again in a real browser that is answered from it."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent import events
from huggingchat_agent.chat.chat import Chat
from huggingchat_agent.emitter import NAMES
from huggingchat_agent.errors import ChatError, UsageError
from huggingchat_agent.playback.stage import staged
from huggingchat_agent.settings import settings
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.tape.summary import summarize
from huggingchat_agent.wire import multipart, purposes, routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence

    from huggingchat_agent.playback.faults import Fault
    from huggingchat_agent.settings import Via
    from huggingchat_agent.tape.summary import Exchange, Summary

    _Step = Callable[[Chat], Awaitable[None]]

_VIAS: dict[str, Via] = {"ui": "ui", "page": "page"}


class Retake:
    """The steps of a tape taken again, once, by `async for event in retake`: the events of now.

    Those steps are new conversations, messages, retries and edits, one after the other and each by the
    way it was taken then. What else was done is not; where the app asks for what followed from it, that
    is a TapeMismatch. Takes what `on_tape` does and raises that too; UsageError for messages that a
    person sent. `complete` says whether the recording came to its end in good order.
    """

    def __init__(
        self, path: str | Path, *, speed: float = 1.0, faults: Sequence[Fault] = (), **given: Any
    ) -> None:
        self.complete = False
        self._path = Path(path)
        self._speed, self._faults, self._given = speed, faults, given

    async def __aiter__(self) -> AsyncIterator[events.Event]:
        told: asyncio.Queue[events.Event | None] = asyncio.Queue()
        recording = Tape(self._path).load(pictures=False)
        self.complete = recording.complete
        steps = list(_steps(summarize(recording)))
        stage = staged(self._path, speed=self._speed, faults=self._faults, given=self._given)
        async with stage as (_, given), Chat(settings(**given)) as chat:
            for name in set(NAMES) - {events.Seen.name}:
                chat.on(name, told.put_nowait)
            task = asyncio.create_task(_take(chat, steps), name="steps of a tape")
            task.add_done_callback(lambda _: told.put_nowait(None))
            try:
                while (event := await told.get()) is not None:
                    yield event
                await task
            finally:
                task.cancel()
                await asyncio.wait({task})


async def _take(chat: Chat, steps: Iterable[_Step]) -> None:
    await chat.login()
    for step in steps:
        with contextlib.suppress(ChatError):  # as it was then, or by a fault; it was told
            await step(chat)


def _steps(found: Summary) -> Iterator[_Step]:
    vias = {
        each.event["generation_id"]: each.event.get("via", "")
        for each in found.events
        if each.event["event"] == events.Started.name and each.event.get("generation_id")
    }
    for exchange in found.exchanges:
        purpose = routes.classify(exchange.request.method, exchange.request.url, found.base_path)
        if isinstance(purpose, purposes.CreateConversation):
            yield partial(_make, msgspec.json.decode(exchange.request.body or b"{}"))
        elif isinstance(purpose, purposes.SendMessage):
            said = _fields(exchange)
            via = _VIAS.get(vias.get(said.get("generationId", ""), ""))
            if via is None:
                raise UsageError(
                    f"{said.get('inputs')!r} was sent by a person, and only what the agent sent can be sent "
                    "again by itself. Open the tape with on_tape(..., headless=False), and take the steps by "
                    "hand."
                )
            yield partial(_send, purpose.conversation_id, said, via)


async def _make(made: dict[str, Any], chat: Chat) -> None:
    await chat.new_conversation(made.get("model"), system_prompt=made.get("preprompt"))


async def _send(conversation_id: str, said: dict[str, Any], via: Via, chat: Chat) -> None:
    talk, inputs = chat.conversation(conversation_id), said.get("inputs")
    if not said.get("is_retry"):
        await talk.send(inputs or "", via=via)
    elif inputs is None:
        await talk.retry(said["id"], via=via)
    else:
        await talk.edit(said["id"], inputs, via=via)


def _fields(exchange: Exchange) -> dict[str, Any]:
    request = exchange.request
    return multipart.parse_send_fields(request.body, request.headers.get("content-type", "")) or {}
