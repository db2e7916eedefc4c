"""One command's connection to the socket: answers its requests, and in the end stops what they started."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent import events
from huggingchat_agent.error_values import make_fault
from huggingchat_agent.errors import AgentError, UsageError
from huggingchat_agent.log_records import log
from huggingchat_agent.warm.protocol import Happened, Problem, Request, Result, encode, encode_value
from huggingchat_agent.warm.verbs import STARTING, VERBS, CommandObjects

if TYPE_CHECKING:
    from huggingchat_agent.chat.reply import Reply
    from huggingchat_agent.huggingchat import HuggingChat


class Connection:
    """Runs the requests of a command, each in a task of its own."""

    def __init__(self, chat: HuggingChat, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._objects = CommandObjects(chat)
        self._replies: dict[int, Reply] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Serve until the command closes the connection, or is gone. Then stop its replies."""
        try:
            while line := await self._reader.readline():
                request = msgspec.json.decode(line, type=Request)
                task = asyncio.create_task(self._run(request), name=f"request {request.verb}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        except OSError:
            pass  # it is gone
        finally:
            await self.close()

    async def close(self) -> None:
        """Stop what the command started. Closing twice is fine."""
        self._writer.close()
        stops = [reply.stop() for reply in self._replies.values() if not reply.done]
        await asyncio.gather(*stops, return_exceptions=True)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._objects.release()

    async def _run(self, request: Request) -> None:
        try:
            if request.verb == "stop":
                reply = self._replies.get(request.arguments["reply"])
                if reply is not None:
                    await reply.stop()
                self._write(Result(request.id, encode_value(None)))
            elif request.verb in STARTING:
                await self._start(request)
            elif request.verb in VERBS:
                value = await VERBS[request.verb](self._objects, **request.arguments)
                self._write(Result(request.id, encode_value(value)))
            else:
                raise UsageError(f"There is no request {request.verb!r}.")
        except Exception as error:
            if not isinstance(error, AgentError):
                log.exception("A request could not be answered.")
            self._write(Problem(request.id, make_fault(error)))
        await self._drain()

    async def _start(self, request: Request) -> None:
        """Start a reply, and send its events and its outcome."""
        reply = await STARTING[request.verb](self._objects, **request.arguments)
        self._write(Result(request.id, encode_value(reply is not None)))
        if reply is None:
            return
        self._replies[request.id] = reply

        def send(event: events.Event) -> None:
            self._write(Happened(request.id, event.name, encode_value(event)))

        for name in events.AGENT_NAMES:
            reply.on(name, send)
        async for event in reply:
            send(event)
            await self._drain()
        self._write(Result(request.id, encode_value(await reply.answer())))

    def _write(self, message: Any) -> None:
        if not self._writer.is_closing():
            self._writer.write(encode(message))

    async def _drain(self) -> None:
        try:
            await self._writer.drain()
        except OSError:
            pass  # the command is gone, and `serve` ends
