"""Which tools are on for a turn, in apps with tool servers and in older ones with tools of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggingchat_agent.errors import UsageError
from huggingchat_agent.wire import purposes, tools
from huggingchat_agent.wire.means import Means
from huggingchat_agent.wire.tools import ToolChoice, ToolServer

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
    own = any(isinstance(each, ToolServer) for each in draft.tools or ())
    if offered.missing and (draft.tools or draft.web_search):
        raise UsageError(f"{offered.missing} Ask without web search and tools.")
    of_app = any(each.built_in for each in offered)
    if own and (of_app or _has_tools_of_its_own(chat)):
        raise UsageError(
            "This app is older than November 2025, so it takes no tool servers of yours. Ask without them."
        )
    chat._session.note_means(Means.TOOLS_OF_APP if of_app else Means.TOOLS_OF_SERVERS)
    model = await find_model() if of_app else None
    if model is not None and not model.supports_tools:
        if draft.tools:
            raise UsageError(f"{model.id} uses no tools. Choose another model, or ask without them.")
        return ToolChoice(servers=[], web_search=draft.web_search)
    return ToolChoice(servers=tools.choose_servers(offered, draft.tools, web_search=draft.web_search))


async def choose_as_page(chat: Chat) -> ToolChoice | None:
    """What the app's own page would choose. In apps with tools of their own a request has to name them."""
    if not _has_tools_of_its_own(chat):
        return None
    offered = await chat.tools()
    return ToolChoice(servers=tools.choose_servers(offered, None))


def _has_tools_of_its_own(chat: Chat) -> bool:
    """Whether the app is from before June 2025: its tools are ids, and it knows of no servers."""
    routes = chat._session.calls.alternatives.routes
    asked = (routes.get(each, "") for each in (purposes.ReadConversation, purposes.McpServers))
    return any(route.endswith("/__data.json") for route in asked)
