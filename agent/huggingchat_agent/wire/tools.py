"""The tool servers (MCP) an app offers, the user's own ones, and a choice among them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent import origin, redact
from huggingchat_agent.errors import PageChanged, UsageError
from huggingchat_agent.secret_headers import SecretHeaders
from huggingchat_agent.user_text import require_text
from huggingchat_agent.wire import lenient_json, name_lookup
from huggingchat_agent.wire.content import find_object, is_page_data
from huggingchat_agent.wire.structs import convert, require_list

if TYPE_CHECKING:
    from collections.abc import Sequence

_WEB_SEARCH = re.compile(r"web[\s_-]*search", re.IGNORECASE)
_SEARCH = re.compile(r"\bsearch\b", re.IGNORECASE)


class ServerTool(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A tool of a server. `input_schema` is the JSON schema of its arguments, as the server gives it."""

    name: str
    description: str = ""
    input_schema: Any = None


class ToolServer(msgspec.Struct, frozen=True, rename="camel"):
    """A server whose tools a model may call: one that the app offers, or one of your own.

    `ToolServer("name", "https://...", {"Authorization": "Bearer ..."})` is one of your own. The app connects
    to it from its own machine, and sends it those headers. Their values are secret: they show a mask, in logs
    and tapes too. The query of `url` may hold a key as well; show it with `redact.address`.

    `tools` are its tools, None if not asked for (`chat.tools(check=True)` asks). `ready` says whether the
    app could connect to it, and `trouble` why not; `auth_required` is true if it wants other headers.

    Keys of the app without a field here are in `extra`. Apps before November 2025 have no servers, but tools
    of their own: each is one of these, without a `url`.
    """

    name: str
    url: str = ""
    headers: Mapping[str, str] = {}
    id: str = ""
    type: str = "base"  # of the app; "custom" is your own
    is_locked: bool = False
    is_on_by_default: bool = True
    tools: list[ServerTool] | None = None
    ready: bool | None = None
    trouble: str = ""
    auth_required: bool = False
    extra: dict[str, Any] = {}

    def __post_init__(self) -> None:
        if not isinstance(self.headers, Mapping):
            raise UsageError("The headers of a tool server are a mapping of names and values.")
        if self.headers and not isinstance(self.headers, SecretHeaders):
            msgspec.structs.force_setattr(self, "headers", SecretHeaders(self.headers))
        if not self.id and self.type == "base":  # the app gives each of its own an id
            msgspec.structs.force_setattr(self, "type", "custom")

    @property
    def built_in(self) -> bool:
        """Whether it is a tool of the app's own."""
        return self.type in ("config", "community")

    @property
    def is_own(self) -> bool:
        """Whether it is the user's, and not the app's."""
        return self.type == "custom"

    @property
    def searches_web(self) -> bool:
        """Whether it offers web search, judged by name and address: the app says no more."""
        return bool(_WEB_SEARCH.search(self.name) or _WEB_SEARCH.search(self.url))

    @property
    def fields(self) -> dict[str, Any]:
        """Name, address and headers as the app's requests have them. The headers are in clear."""
        if not self.headers:
            return {"name": self.name, "url": self.url}
        values = self.headers.reveal() if isinstance(self.headers, SecretHeaders) else self.headers
        headers = [{"key": name, "value": value} for name, value in values.items()]
        return {"name": self.name, "url": self.url, "headers": headers}


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
        return {"mcp_servers": [server.fields for server in self.servers]}


def parse_servers(body: bytes) -> list[ToolServer]:
    """The servers of an answer of `/api/mcp/servers`, or the tools of page data, in the app's order.

    Raises PageChanged.
    """
    if is_page_data(body):
        return _parse_built_in(find_object(body, "tools"))
    return [_parse_server(each) for each in require_list(lenient_json.load_if_json(body), "tool servers")]


def _parse_server(raw: Any) -> ToolServer:
    if isinstance(raw, dict) and isinstance(raw.get("headers"), list):
        pairs = [each for each in raw["headers"] if isinstance(each, dict)]
        raw = {**raw, "headers": {str(each.get("key")): str(each.get("value")) for each in pairs}}
    try:
        found = convert(ToolServer, raw)
    except UsageError as error:
        raise PageChanged(f"The app has a tool server that we cannot use: {error.message}") from None
    if not found.id:
        raise PageChanged("The app's ToolServer has an unknown shape: it has no id.")
    return found


def read_health(server: ToolServer, body: str) -> ToolServer:
    """The server with the result of the app's check. Raises PageChanged for any other answer."""
    raw = lenient_json.load_if_json(body)
    if not isinstance(raw, dict) or not isinstance(raw.get("ready"), bool):
        raise PageChanged("The app's answer to the check of a tool server has an unknown shape.")
    tools = require_list([] if raw.get("tools") is None else raw["tools"], "a server's tools")
    return msgspec.structs.replace(
        server,
        ready=raw["ready"],
        tools=[convert(ServerTool, each) for each in tools] if raw["ready"] else None,
        trouble="" if raw["ready"] else redact.text(str(raw.get("error") or "The app does not say why.")),
        auth_required=raw.get("authRequired") is True,
    )


def check_own(server: ToolServer) -> ToolServer:
    """The server, if the app can connect to it. Raises UsageError if it lacks a name or an address."""
    require_text("The name of a tool server", server.name)
    require_text("The address of a tool server", server.url)
    if not server.name.strip():
        raise UsageError("A tool server needs a name.")
    try:
        scheme = origin.parse_origin(server.url).scheme
    except ValueError:
        scheme = ""
    if scheme not in ("http", "https"):
        raise UsageError(
            f"The tool server {name_lookup.quote(server.name)} needs an address such as https://example.org/mcp."
        )
    return server


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
    offered: Sequence[ToolServer], wanted: Sequence[str | ToolServer] | None, *, web_search: bool = False
) -> list[ToolServer]:
    """The servers to switch on, in the app's order, and then one's own. None means those on by default.

    A name is an id, a name in any case, or a part that only one has. `web_search` adds the server that
    searches the web. Raises UsageError for a name that fits none or several, for two servers of one name, and
    if no server searches the web.
    """
    own: list[ToolServer] = []
    if wanted is None:
        chosen = [server for server in offered if server.is_on_by_default]
    else:
        own = [check_own(each) for each in wanted if isinstance(each, ToolServer) and each.is_own]
        named = [each.id if isinstance(each, ToolServer) else each for each in wanted if each not in own]
        chosen = [_pick_server(offered, each) for each in named]
    if web_search and not any(server.searches_web for server in (*chosen, *own)):
        chosen.append(_find_web_search(offered))
    ids = {server.id for server in chosen}
    on = [*(server for server in offered if server.id in ids), *own]
    names = [server.name for server in on]
    if own and len(set(names)) < len(names):  # the app knows them by name
        raise UsageError(
            f"Two tool servers have the same name: {', '.join(names)}. Give your own another one."
        )
    return on


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
