"""The tool servers (MCP) an app offers, and a choice among them by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.errors import UsageError
from huggingchat_agent.wire import lenient_json, name_lookup
from huggingchat_agent.wire.content import find_object, is_page_data
from huggingchat_agent.wire.structs import convert, require_list

if TYPE_CHECKING:
    from collections.abc import Sequence

_WEB_SEARCH = re.compile(r"web[\s_-]*search", re.IGNORECASE)
_SEARCH = re.compile(r"\bsearch\b", re.IGNORECASE)


class ToolServer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A server whose tools a model may call. Keys without a field here are in `extra`.

    Apps before November 2025 have no servers, but tools of their own: each is one of these, without a `url`.
    The query of `url` may hold a key; show it with `redact.address`.
    """

    id: str
    name: str
    url: str = ""
    type: str = "base"
    is_locked: bool = False
    is_on_by_default: bool = True
    extra: dict[str, Any] = {}

    @property
    def built_in(self) -> bool:
        """Whether it is a tool of the app's own."""
        return self.type in ("config", "community")

    @property
    def searches_web(self) -> bool:
        """Whether it offers web search, judged by name and address: the app says no more."""
        return bool(_WEB_SEARCH.search(self.name) or _WEB_SEARCH.search(self.url))


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    """The tools that are on for one turn.

    `web_search`: an app with tools of its own searches the web first, for a model that uses no tools.
    """

    servers: list[ToolServer]
    web_search: bool = False

    @property
    def fields(self) -> dict[str, Any]:
        """Their arguments for `requests.send_message`."""
        if self.web_search or any(server.built_in for server in self.servers):
            return {"built_in": [server.id for server in self.servers], "web_search": self.web_search}
        return {"mcp_servers": [{"name": server.name, "url": server.url} for server in self.servers]}


def parse_servers(body: bytes) -> list[ToolServer]:
    """The servers of an answer of `/api/mcp/servers`, or the tools of page data, in the app's order.

    Raises PageChanged.
    """
    if is_page_data(body):
        return _parse_built_in(find_object(body, "tools"))
    try:
        raw = lenient_json.load(body)
    except ValueError:
        raw = None
    return [convert(ToolServer, each) for each in require_list(raw, "tool servers")]


def _parse_built_in(page: dict[str, Any]) -> list[ToolServer]:
    settings = page.get("settings")
    on = settings.get("tools") if isinstance(settings, dict) else None
    return [
        convert(
            ToolServer,
            {
                **each,
                "id": each.get("_id"),
                "name": each.get("displayName") or each.get("name"),
                "isOnByDefault": isinstance(on, list) and each.get("_id") in on,
            },
        )
        for each in require_list(page["tools"], "tools")
        if isinstance(each, dict)
    ]


def choose_servers(
    offered: Sequence[ToolServer], wanted: Sequence[str] | None, *, web_search: bool = False
) -> list[ToolServer]:
    """The servers to switch on, in the app's order. `wanted` None means those that are on by default.

    A name is an id, a name in any case, or a part that only one has. `web_search` adds the server that
    searches the web. Raises UsageError for a name that fits none or several, and if no server searches the
    web.
    """
    if wanted is None:
        chosen = [server for server in offered if server.is_on_by_default]
    else:
        chosen = [_pick_server(offered, each) for each in wanted]
    if web_search and not any(server.searches_web for server in chosen):
        chosen.append(_find_web_search(offered))
    ids = {server.id for server in chosen}
    return [server for server in offered if server.id in ids]


def _pick_server(offered: Sequence[ToolServer], wanted: str) -> ToolServer:
    found, name = name_lookup.find_matches(offered, wanted, _list_names), name_lookup.quote(wanted)
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{name} could be any of these tool servers: {_join_names(found)}. Say which.")
    if not offered:
        raise UsageError(f"The app offers no tool servers, so there is no {name}.")
    there = name_lookup.suggest(offered, wanted, _list_names, lambda each: each.name)
    raise UsageError(f"The app offers no tool server {name}. {there}")


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
