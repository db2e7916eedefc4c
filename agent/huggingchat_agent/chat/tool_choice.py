"""Which tools are on for a turn, in apps with tool servers and in older ones with tools of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggingchat_agent.errors import UsageError
from huggingchat_agent.wire import purposes, tools
from huggingchat_agent.wire.tools import ToolChoice

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from huggingchat_agent.chat.chat import Chat
    from huggingchat_agent.chat.draft import Draft
    from huggingchat_agent.wire.models import Model


async def choose(
    chat: Chat, draft: Draft, find_model: Callable[[], Awaitable[Model | None]]
) -> ToolChoice | None:
    """The tools that a draft asks for; None for the app's own choice.

    `find_model` is asked only if it matters. Raises UsageError for tools and a search that the app does not
    have.
    """
    if draft.tools is None and not draft.web_search:
        return None
    offered = await chat.tools()
    if offered.missing and (draft.tools or draft.web_search):
        raise UsageError(f"{offered.missing} Ask without web search and tools.")
    model = await find_model() if any(each.built_in for each in offered) else None
    if model is not None and not model.supports_tools:
        if draft.tools:
            raise UsageError(f"{model.id} uses no tools. Choose another model, or ask without them.")
        return ToolChoice(servers=[], web_search=draft.web_search)
    return ToolChoice(servers=tools.choose_servers(offered, draft.tools, web_search=draft.web_search))


async def choose_as_page(chat: Chat) -> ToolChoice | None:
    """What the app's own page would choose. In apps with tools of their own a request has to name them."""
    route = chat._session.calls.alternatives.routes.get(purposes.ReadConversation, "")
    if not route.endswith("/__data.json"):
        return None
    offered = await chat.tools()
    return ToolChoice(servers=tools.choose_servers(offered, None))
