"""Sends one message and makes the parts of its answer, in the background loop."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from huggingchat_agent import events
from huggingchat_agent.provider.g4f_classes import mix_in_g4f
from huggingchat_agent.provider.models import default_model, image_models, model_aliases
from huggingchat_agent.provider.parts import FinishReason, ImageResponse, Reasoning, Sources, TitleGeneration
from huggingchat_agent.provider.prompts import find_last_user_message, format_prompt, join_system_prompts
from huggingchat_agent.wire.models import pick_model
from huggingchat_agent.wire.tool_results import find_linked_pages, find_listed_pages, iterate_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from huggingchat_agent.chat.conversation import Conversation as AgentConversation
    from huggingchat_agent.huggingchat import HuggingChat
    from huggingchat_agent.provider.media import File
    from huggingchat_agent.provider.parts import Conversation
    from huggingchat_agent.provider.prompts import Messages
    from huggingchat_agent.wire.models import Model


@dataclass(kw_only=True)
class Request:
    """One request. `alt` describes the pictures that the answer may hold."""

    model: str
    messages: Messages
    conversation: Conversation
    alt: str = ""
    files: Sequence[File] = ()
    web_search: bool = False
    return_conversation: bool = False
    cookies: Mapping[str, str] = field(default_factory=dict)


async def answer(chat: HuggingChat, asked: Request, put: Callable[[Any], None]) -> None:
    """Send it, and `put` each part as it comes: the conversation first if wanted, the finish reason last."""
    known = asked.conversation.models
    key = _choose_key(asked.model, await chat.models(), known, pictures=bool(asked.files))
    if key in known:
        conversation = chat.conversation(known[key]["conversationId"])
        prompt = find_last_user_message(asked.messages)
    else:
        conversation = await begin_conversation(chat, key, system=join_system_prompts(asked.messages))
        key = key or conversation.model or ""
        prompt = format_prompt(asked.messages)
    known[key] = {"conversationId": conversation.id, "messageId": await find_last_message_id(conversation)}
    if asked.return_conversation:
        put(asked.conversation)
    more: dict[str, Any] = {"files": list(asked.files)} if asked.files else {}
    sources: list[dict[str, str]] = []
    async with conversation.send(prompt, web_search=asked.web_search, **more) as reply:
        async for event in reply:
            sources += _find_sources(event, asked)
            for part in _make_parts(event, f"{conversation.url}/output", asked):
                put(part)
        whole = await reply
    known[key]["messageId"] = whole.message_id or known[key]["messageId"]
    if sources:
        put(mix_in_g4f(Sources)({each["url"]: each for each in sources}.values()))
    put(mix_in_g4f(FinishReason)(whole.finish_reason))


async def begin_conversation(
    chat: HuggingChat, model: str | None, *, system: str | None = None
) -> AgentConversation:
    """A new conversation. It gets the app's default model if none is named, or one that draws pictures."""
    name = resolve_model(model, await chat.models())
    return await chat.new_conversation(None if name in image_models else name or None, system_prompt=system)


async def find_last_message_id(conversation: AgentConversation) -> str:
    """The id of the newest message. Raises RuntimeError without one."""
    messages = (await conversation.read()).messages
    if not messages or not messages[-1].id:
        raise RuntimeError(f"Conversation {conversation.id} has no message with a readable id.")
    return messages[-1].id


def resolve_model(model: str | None, models: Sequence[Model]) -> str:
    """The id of the model with that name, "" for the app's default. Raises UnknownModel."""
    name = model_aliases.get(model or "", model or "")
    ids = {each.id for each in models}
    if name in ids or name in image_models:
        return name
    if name in ("", "auto", default_model):
        return ""
    return pick_model(models, name).id


def _choose_key(model: str, models: Sequence[Model], known: dict[str, Any], *, pictures: bool) -> str:
    """The key of the conversation with that model, "" for a new one with the default model.

    If no model is named, the conversation continues with its last one. A new conversation that begins
    with pictures gets a model that can see them.
    """
    if model in known:
        return model
    name = resolve_model(model, models)
    if not name and known:
        return next(reversed(known))
    if not name and pictures:
        return next((each.id for each in models if each.multimodal), "")
    return name


def _make_parts(event: events.TurnEvent, folder: str, asked: Request) -> Iterator[Any]:
    match event:
        case events.Token():
            yield event.text
        case events.Reasoning():
            yield mix_in_g4f(Reasoning)(event.text or None, status=event.status or None)
        case events.Title():
            yield mix_in_g4f(TitleGeneration)(event.title)
        case events.FileProduced(file=file) if file.mime.startswith("image/"):
            options = {"cookies": dict(asked.cookies)}
            yield mix_in_g4f(ImageResponse)(f"{folder}/{file.sha}", asked.alt, options)
        case events.ToolResult():
            for block in iterate_blocks(event.outputs):
                if block.get("type") == "image" and _is_base64(data := block.get("data")):
                    mime = block.get("mimeType") or "image/png"
                    yield mix_in_g4f(ImageResponse)(f"data:{mime};base64,{data}", asked.alt)


def _find_sources(event: events.TurnEvent, asked: Request) -> list[dict[str, str]]:
    """The pages that a search found or a tool links to; with web search also those in tool texts."""
    if isinstance(event, events.SearchSources):
        return [{"url": each.uri, "title": each.title} for each in event.sources]
    if isinstance(event, events.ToolResult):
        return [
            *find_linked_pages(event.outputs),
            *(find_listed_pages(event.outputs) if asked.web_search else ()),
        ]
    return []


def _is_base64(data: Any) -> bool:
    try:
        return isinstance(data, str) and bool(base64.b64decode(data, validate=True))
    except ValueError:
        return False
