"""The models for `llm`, sync and async. A conversation of llm is one of the app."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import llm
from llm.parts import StreamEvent
from pydantic import Field

from huggingchat_agent import events
from huggingchat_agent.agent_events import log_events
from huggingchat_agent.browser.protocols import Upload
from huggingchat_agent.error_values import raise_as
from huggingchat_agent.errors import ChatError
from huggingchat_agent.llm_plugin.known_models import PREFIX
from huggingchat_agent.warm.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from huggingchat_agent.warm.chat import WarmChat
    from huggingchat_agent.warm.conversation import WarmConversation, WarmReply

_NOTE = "huggingchat"  # what llm's log keeps with an answer, and gives back

_IMAGES = {"image/png", "image/jpeg", "image/webp", "image/gif"}
_TEXTS = {"text/plain", "text/markdown", "text/csv", "text/html", "application/json", "application/pdf"}


class AppTools(llm.ServerSideTool):  # type: ignore[no-untyped-call]
    """A tool server of the app, by its name or id, for `llm -T 'AppTools("name")'`."""

    name = "huggingchat_tools"
    plugin = "huggingchat-agent"

    def __init__(self, server: str) -> None:
        self.server = server


class Options(llm.Options):
    """Options of `-o`."""

    temporary: bool = Field(default=False, description="Delete the conversation in the app after the answer.")
    web_search: bool = Field(default=False, description="Search the web first.")


class _Both:
    """What the sync and the async model share."""

    can_stream = True
    attachment_types: set[str] | frozenset[str] = _IMAGES | _TEXTS

    def __init__(self, model: str) -> None:
        self.model_id = PREFIX + model
        self._model = model

    @property
    def supported_server_side_tools(self) -> tuple[type[llm.ServerSideTool], ...]:
        return (AppTools,)

    def _stream(self, prompt: Any, response: Any, hold: Callable[[WarmReply], None]) -> Iterator[Any]:
        """Ask, and yield the pieces. `hold` gets the reply, to be stopped from another thread."""
        files = [
            Upload(_name(each, number), each.resolve_type(), each.content_bytes())
            for number, each in enumerate(prompt.attachments, 1)
        ]
        tools = [each.server for each in prompt.tools if isinstance(each, AppTools)]
        options = prompt.options
        with raise_as(llm.ModelError), Sessions({}).open() as chat, self._find(chat, prompt) as talk:
            given: dict[str, Any] = {"files": files, "web_search": options.web_search}
            with talk.send(prompt.prompt or "", via="page", tools=tools or None, **given) as reply:
                hold(reply)
                log_events(reply)
                note = None if options.temporary else {_NOTE: {"conversation_id": talk.id}}
                for event in reply:
                    match event:
                        case events.Token():
                            yield StreamEvent(type="text", chunk=event.text, provider_metadata=note)
                        case events.Reasoning() if event.text:
                            yield StreamEvent(type="reasoning", chunk=event.text)
                        case events.ElicitationRequested():
                            raise ChatError(
                                f"A tool asks a question, and nobody can answer it here: {event.message}"
                            )
                answer = reply.result()
            if answer.router is not None and answer.router.model:
                response.set_resolved_model(answer.router.model)

    def _find(self, chat: WarmChat, prompt: Any) -> WarmConversation:
        """The app's conversation that belongs to llm's conversation, or a new one."""
        earlier = [each for each in prompt.messages if each.role == "assistant"]
        parts = [part for message in earlier for part in message.parts]
        notes = [(getattr(each, "provider_metadata", None) or {}).get(_NOTE) or {} for each in parts]
        known = [each["conversation_id"] for each in notes if each.get("conversation_id")]
        if known:
            return chat.conversation(known[-1])
        if earlier:
            raise ChatError(
                "The app does not have this conversation: it was another model's, or a temporary one."
            )
        return chat.new_conversation(
            self._model, system_prompt=prompt.system or None, temporary=prompt.options.temporary
        )


class HuggingChat(_Both, llm.Model):
    """`llm -m huggingchat/MODEL`."""

    class Options(Options):
        """Options of `-o`."""

    def execute(self, prompt: Any, stream: bool, response: Any, conversation: Any) -> Iterator[Any]:
        yield from self._stream(prompt, response, lambda reply: None)


class AsyncHuggingChat(_Both, llm.AsyncModel):
    """The same for asyncio. It asks in a thread."""

    class Options(Options):
        """Options of `-o`."""

    async def execute(
        self, prompt: Any, stream: bool, response: Any, conversation: Any
    ) -> AsyncGenerator[Any, None]:
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[Any] = asyncio.Queue()
        begun: list[WarmReply] = []

        def work() -> None:
            try:
                for piece in self._stream(prompt, response, begun.append):
                    loop.call_soon_threadsafe(pieces.put_nowait, piece)
            finally:
                loop.call_soon_threadsafe(pieces.put_nowait, None)

        working = asyncio.create_task(asyncio.to_thread(work))
        try:
            while (piece := await pieces.get()) is not None:
                yield piece
            await working
        finally:
            if not working.done():
                for reply in begun:
                    await asyncio.to_thread(reply.ask_to_stop)


def _name(attachment: Any, number: int) -> str:
    if attachment.path:
        return str(attachment.path).rpartition("/")[2]
    return f"attachment-{number}.{attachment.resolve_type().rpartition('/')[2]}"
