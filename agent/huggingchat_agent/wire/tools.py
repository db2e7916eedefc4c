"""The tool servers (MCP) an app offers, and a choice among them by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.errors import UsageError
from huggingchat_agent.wire import lenient_json, name_lookup
from huggingchat_agent.wire.structs import convert, require_list

if TYPE_CHECKING:
    from collections.abc import Sequence

_WEB_SEARCH = re.compile(r"web[\s_-]*search", re.IGNORECASE)
_SEARCH = re.compile(r"\bsearch\b", re.IGNORECASE)


class ToolServer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A server whose tools a model may call. Keys without a field here are in `extra`.

    The query of `url` may hold a key; show it with `redact.address`.
    """

    id: str
    name: str
    url: str = ""
    type: str = "base"
    is_locked: bool = False
    extra: dict[str, Any] = {}

    @property
    def searches_web(self) -> bool:
        """Whether it offers web search, judged by name and address: the app says no more."""
        return bool(_WEB_SEARCH.search(self.name) or _WEB_SEARCH.search(self.url))


def parse_servers(body: bytes) -> list[ToolServer]:
    """The servers of an answer of `/api/mcp/servers`, in the app's order. Raises PageChanged."""
    try:
        raw = lenient_json.load(body)
    except ValueError:
        raw = None
    return [convert(ToolServer, each) for each in require_list(raw, "tool servers")]


def choose_servers(
    offered: Sequence[ToolServer], wanted: Sequence[str] | None, *, web_search: bool = False
) -> list[ToolServer]:
    """The servers to switch on, in the app's order. `wanted` None means all of them.

    A name is an id, a name in any case, or a part that only one has. `web_search` adds the server that
    searches the web. Raises UsageError for a name that fits none or several, and if no server searches the
    web.
    """
    chosen = list(offered) if wanted is None else [_pick_server(offered, each) for each in wanted]
    if web_search and not any(server.searches_web for server in chosen):
        chosen.append(_find_web_search(offered))
    ids = {server.id for server in chosen}
    return [server for server in offered if server.id in ids]


def _pick_server(offered: Sequence[ToolServer], wanted: str) -> ToolServer:
    found = name_lookup.find_matches(offered, wanted, _list_names)
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{wanted!r} could be any of these tool servers: {_join_names(found)}. Say which.")
    if not offered:
        raise UsageError(f"The app offers no tool servers, so there is no {wanted!r}.")
    there = name_lookup.suggest(offered, wanted, _list_names, lambda each: each.name)
    raise UsageError(f"The app offers no tool server {wanted!r}. {there}")


def _find_web_search(offered: Sequence[ToolServer]) -> ToolServer:
    named = [server for server in offered if server.searches_web]
    found = named or [server for server in offered if _SEARCH.search(server.name)]
    if found:
        return found[0]
    what = f"only {_join_names(offered)}" if offered else "no tool servers at all"
    raise UsageError(f"None of this app's tools searches the web: it offers {what}. Ask without web search.")


def _list_names(server: ToolServer) -> list[str]:
    return [server.id, server.name]


def _join_names(servers: Sequence[ToolServer]) -> str:
    return ", ".join(server.name for server in servers)
