"""The tool servers that a chat can use, and what they can do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from huggingchat_agent import redact
from huggingchat_agent.errors import AgentError, ChatError, PageChanged, SiteError
from huggingchat_agent.session.page_data import Tools
from huggingchat_agent.wire import failures, purposes, requests
from huggingchat_agent.wire.tools import check_own, read_health

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggingchat_agent.session.page_data import PageData
    from huggingchat_agent.session.session import Session
    from huggingchat_agent.wire.tools import ToolServer


async def read(session: Session, known: PageData, *, refresh: bool) -> Tools:
    """What the app offers, from its own traffic if it listed them there."""
    if refresh or known.tools is None:
        try:
            known.learn_tools(await session.ask(requests.build(purposes.McpServers())), "call")
        except (ChatError, PageChanged) as error:
            if getattr(error, "status", None) not in (None, 404):
                raise
            known.learn_no_tools(f"This app has no tools (no {requests.build(purposes.McpServers()).path}).")
    return Tools() if known.tools is None else known.tools


async def add(session: Session, offered: Tools, own: Sequence[ToolServer], *, check: bool) -> Tools:
    """The servers, the user's own last, with `check` as the app finds them. Raises UsageError."""
    servers = [*offered, *map(check_own, own)]
    if check:
        servers = await asyncio.gather(*(_check(session, each) for each in servers))
    return Tools(servers, offered.source, offered.missing)


async def _check(session: Session, server: ToolServer) -> ToolServer:
    """The server with its tools, or with the reason why the app cannot list them."""
    if not server.url:
        return server  # a tool of an older app's own
    try:
        request = requests.check_mcp_server(server.fields)
        answer = await session.calls.fetch(request)
        if failures.is_unknown_route(answer.status, answer.mime, answer.body):
            raise PageChanged(f"This app cannot check tool servers: it has no {request.path}.")
        return read_health(server, answer.body)
    except (PageChanged, SiteError) as error:
        return msgspec.structs.replace(server, ready=False, trouble=_explain(error))


def _explain(error: AgentError) -> str:
    return redact.text(error.message)
