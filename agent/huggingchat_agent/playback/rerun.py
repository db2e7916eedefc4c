"""Repeats what the agent did on a full tape, in a real browser that the tape answers."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent import events, parsing
from huggingchat_agent.chat.chat import Chat
from huggingchat_agent.emitter import NAMES
from huggingchat_agent.errors import ChatError, TapeCorrupt, UsageError
from huggingchat_agent.playback.stage import open_stage
from huggingchat_agent.settings import make_settings
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.tape.summary import read_vias, summarize
from huggingchat_agent.wire import multipart, purposes, routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from huggingchat_agent.choices import SentVia, Via
    from huggingchat_agent.playback.faults import Fault
    from huggingchat_agent.tape.summary import Summary

    _Step = Callable[[Chat], Awaitable[None]]


class Rerun:
    """Repeats the steps of a tape once: `async for event in rerun` gives the events of this run.

    The steps are new conversations, messages, retries and edits, one after the other, each sent in the
    recorded way. It repeats nothing else. If the app then asks for something that is not on the tape, that is
    a TapeMismatch. Takes and raises what `on_tape` does, and raises UsageError for messages that a person
    sent. `complete` says whether the recording was closed properly.
    """

    def __init__(
        self, path: str | Path, *, speed: float = 1.0, faults: Sequence[Fault] = (), **given: Any
    ) -> None:
        self.complete = False
        self._path = parsing.parse_path("path", path)
        self._speed, self._faults, self._given = speed, faults, given

    async def __aiter__(self) -> AsyncIterator[events.Event]:
        queue: asyncio.Queue[events.Event | None] = asyncio.Queue()
        recording = Tape(self._path).load(pictures=False)
        self.complete = recording.complete
        steps = list(_read_steps(summarize(recording)))
        stage = open_stage(self._path, speed=self._speed, faults=self._faults, given=self._given)
        async with stage as (_, given), Chat(make_settings(**given)) as chat:
            for name in set(NAMES) - {events.Seen.name}:
                chat.on(name, queue.put_nowait)
            task = asyncio.create_task(_take(chat, steps), name="steps of a tape")
            task.add_done_callback(lambda _: queue.put_nowait(None))
            try:
                while (event := await queue.get()) is not None:
                    yield event
                await task
            finally:
                task.cancel()
                await asyncio.wait({task})


async def _take(chat: Chat, steps: Iterable[_Step]) -> None:
    await chat.login()
    for step in steps:
        with contextlib.suppress(ChatError):  # as in the recording, or by a fault; the events show it
            await step(chat)


class _New(msgspec.Struct):
    """The fields that we read of a request for a new conversation."""

    model: str | None = None
    preprompt: str | None = None


class _Message(msgspec.Struct):
    """The fields that we read of a message's form."""

    inputs: str | None = None
    id: str = ""
    is_retry: bool = False
    generation_id: str | None = msgspec.field(default=None, name="generationId")


def _read_steps(summary: Summary) -> Iterator[_Step]:
    vias = read_vias(summary.recording.records)
    for exchange in summary.exchanges:
        request = exchange.request
        purpose = routes.classify(request.method, request.url, summary.base_path)
        try:
            if isinstance(purpose, purposes.CreateConversation):
                yield partial(_make, msgspec.json.decode(request.body or b"{}", type=_New))
            elif isinstance(purpose, purposes.SendMessage):
                fields = multipart.parse_send_fields(request.body, request.headers.get("content-type", ""))
                yield _make_send_step(purpose.conversation_id, msgspec.convert(fields or {}, _Message), vias)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise TapeCorrupt(
                f"The {request.method} in record {request.n} cannot be repeated: {error}."
            ) from None


def _make_send_step(conversation_id: str, message: _Message, vias: dict[str, SentVia]) -> _Step:
    via = vias.get(message.generation_id or "", "")
    if via == "":
        raise UsageError(
            f"A person sent {message.inputs!r}, and only the agent's own messages can be repeated. Open "
            "the tape with on_tape(..., headless=False), and take the steps by hand."
        )
    return partial(_send, conversation_id, message, via)


async def _make(new: _New, chat: Chat) -> None:
    await chat.new_conversation(new.model, system_prompt=new.preprompt)


async def _send(conversation_id: str, message: _Message, via: Via, chat: Chat) -> None:
    conversation = chat.conversation(conversation_id)
    if not message.is_retry:
        await conversation.send(message.inputs or "", via=via)
    elif message.inputs is None:
        await conversation.retry(message.id, via=via)
    else:
        await conversation.edit(message.id, message.inputs, via=via)
