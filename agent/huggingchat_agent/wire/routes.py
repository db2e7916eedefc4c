"""The routes of the app: one table, read in both directions. `means.py` has needs that take more.

`classify` says what a request is for, `wire/requests.py` builds the request that serves a purpose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from huggingchat_agent.origin import path_is_within
from huggingchat_agent.wire import purposes
from huggingchat_agent.wire.multipart import FormPart
from huggingchat_agent.wire.purposes import Document, Other, Purpose
from huggingchat_agent.wire.retry_rules import Repeats

Body: TypeAlias = Callable[[dict[str, Any], Sequence[FormPart]], dict[str, Any]]
"""Makes the body of a `Call`, as its `json` or `form`, from fields and files."""


def as_json(fields: dict[str, Any], files: Sequence[FormPart]) -> dict[str, Any]:
    return {"json": fields or None}


def as_share(fields: dict[str, Any], files: Sequence[FormPart]) -> dict[str, Any]:
    """A new conversation that begins with a share. The app requires a model, but uses that of the share."""
    return {"json": {"model": fields.get("model"), "fromShare": fields.get("shareId")}}


def as_import(fields: dict[str, Any], files: Sequence[FormPart]) -> dict[str, Any]:
    return {"json": {"shareId": fields.get("shareId")}}


def as_form(fields: dict[str, Any], files: Sequence[FormPart]) -> dict[str, Any]:
    return {"form": [*files, FormPart("data", msgspec.json.encode(fields).decode())]}


class Route(msgspec.Struct, frozen=True):
    """One request that the app knows.

    `path` names fields of the purpose in braces ("{path*}" may hold slashes). `query` maps parameters to
    fields; `fixed` is a query that is always the same. `body` is None where the agent makes no such request.
    `builds` says which builds of the app have the route, "" for all that the agent knows. `mistaken` is the
    answer of an app that lacks the route and takes the path for another one's. `repeats` is its rule in
    `retry_rules`; reads need not say it.
    """

    method: str
    path: str
    purpose: type[Purpose]
    body: Body | None = as_json
    query: dict[str, str] = {}
    fixed: str = ""
    binary: bool = False  # the answer is not text
    builds: str = ""
    mistaken: str = ""
    repeats: Repeats = "never"

    @property
    def rule(self) -> Repeats:
        """The rule for retries."""
        return "read" if self.method == "GET" else self.repeats

    @property
    def since(self) -> str:
        """The date of the first build that has it, as "2025-06-05"; "" for one that all builds have."""
        before, _, date = self.builds.partition("from ")
        return "" if before else date

    def fill(self, purpose: Purpose) -> str:
        """The path and query of a request for this purpose."""
        path = re.sub(r"{(\w+)}", lambda found: quote(getattr(purpose, found[1]), safe=""), self.path)
        query = "&".join(f"{name}={quote(str(getattr(purpose, to)))}" for name, to in self.query.items())
        query = query or self.fixed
        return f"{path}?{query}" if query else path


_CONVERSATION = "/conversation/{conversation_id}"

# The data of the home page holds most of what `/api/v2` has since June 2025.
_HOME_DATA = "/__data.json"
_FROM_JUNE, _BEFORE_JUNE = "from 2025-06-05", "before 2025-06-05"

# Rows of the same purpose are alternatives. Those with a body can be requested, the first one first.
ROUTES = (
    Route("POST", "/conversation", purposes.CreateConversation),
    Route("POST", _CONVERSATION, purposes.SendMessage, as_form),
    Route("PATCH", _CONVERSATION, purposes.ChangeConversation, repeats="write"),
    Route("DELETE", _CONVERSATION, purposes.DeleteConversation, repeats="write"),
    Route("POST", f"{_CONVERSATION}/stop-generating", purposes.StopGenerating, repeats="write"),
    Route("POST", f"{_CONVERSATION}/elicitation", purposes.AnswerElicitation, builds="from 2026-08-21"),
    Route("POST", f"{_CONVERSATION}/share", purposes.ShareConversation),
    Route(
        "POST",
        "/api/v2/conversations/import-share",
        purposes.ImportShare,
        as_import,
        builds="from 2026-02-06",
        mistaken="Conversation not found",
        repeats="write",  # the app makes one copy of each share
    ),
    Route("POST", "/conversation", purposes.ImportShare, as_share, repeats="write"),
    Route("GET", f"{_CONVERSATION}/output/{{sha}}", purposes.ReadFile, binary=True),
    Route(
        "GET",
        f"{_CONVERSATION}/stream",
        purposes.Reattach,
        query={"generationId": "generation_id", "fromSeq": "from_seq"},
        builds="from 2026-07-24",
    ),
    Route("GET", "/api/v2/conversations/{conversation_id}", purposes.ReadConversation, builds=_FROM_JUNE),
    Route(
        "GET",
        f"{_CONVERSATION}/__data.json",
        purposes.ReadConversation,
        fixed="x-sveltekit-invalidated=01",  # without what all pages have
        builds=_BEFORE_JUNE,
    ),
    Route("GET", "/api/conversation/{conversation_id}", purposes.ReadConversation, None),
    Route("GET", "/api/v2/conversations", purposes.ListConversations, query={"p": "page"}, builds=_FROM_JUNE),
    Route("GET", "/api/conversations", purposes.ListConversations, query={"p": "page"}),
    Route("GET", "/api/v2/models", purposes.ListModels, builds=_FROM_JUNE),
    Route("GET", _HOME_DATA, purposes.ListModels, builds=_BEFORE_JUNE),
    Route("GET", "/api/models", purposes.ListModels),
    Route("GET", "/api/v2/user", purposes.ReadUser, builds=_FROM_JUNE),
    Route("GET", "/api/user", purposes.ReadUser),
    Route("GET", "/api/v2/user/settings", purposes.ReadSettings, builds=_FROM_JUNE),
    Route("GET", _HOME_DATA, purposes.ReadSettings, builds=_BEFORE_JUNE),
    Route("POST", "/settings", purposes.SaveSettings, repeats="write"),
    Route("POST", "/api/v2/user/settings", purposes.SaveSettings, builds=_FROM_JUNE, repeats="write"),
    Route(
        "GET",
        "/api/fetch-url",
        purposes.FetchUrl,
        query={"url": "url"},
        binary=True,
        builds="from 2025-10-20",
    ),
    Route("POST", "/api/transcribe", purposes.Transcribe, builds="from 2025-12-04", repeats="read"),
    Route("GET", "/api/v2/user/billing-orgs", purposes.ReadBilling, builds="from 2025-11-25"),
    Route("POST", "/api/v2/spaces/deploy", purposes.DeploySpace, builds="from 2026-06-22"),
    Route("GET", "/api/v2/feature-flags", purposes.FeatureFlags, builds=_FROM_JUNE),
    Route("GET", _HOME_DATA, purposes.FeatureFlags, builds=_BEFORE_JUNE),
    Route("GET", "/api/v2/generations/live", purposes.Live, None, builds="from 2026-07-24"),
    Route("GET", "/api/mcp/servers", purposes.McpServers, builds="from 2025-11-12"),
    Route("GET", _HOME_DATA, purposes.McpServers, builds=_BEFORE_JUNE),
    Route("POST", "/api/mcp/health", purposes.CheckMcpServer, builds="from 2025-11-12", repeats="read"),
    Route("GET", "{path*}/__data.json", purposes.PageData, None),
    Route("GET", "/login", purposes.Login, None, builds=_FROM_JUNE),
    Route("POST", "/login", purposes.Login, None, builds=_BEFORE_JUNE),
    Route("GET", "/login/callback", purposes.LoginCallback, None),
    # Builds before June 2025 take nothing but a form.
    Route("POST", "/logout", purposes.Logout, as_form, repeats="write"),
)


_NO_DOCUMENT = ("/api/", "/_app/")


def list_alternatives(purpose: type[Purpose]) -> list[Route]:
    """The routes by which the agent can make this request, the preferred one first."""
    return [route for route in ROUTES if route.purpose is purpose and route.body is not None]


def classify(method: str, url: str, base_path: str, kind: str | None = None) -> Purpose:
    """The purpose of a request. `base_path` is "" or such as "/chat"; the host does not matter.

    `kind` is the browser's resource type, if known. With it only a "document" is a Document; without it every
    other GET outside the api is one.
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    if not path_is_within(path, base_path):
        return Other()
    path = path.removeprefix(base_path)
    for pattern, route in _PATTERNS:
        if method == route.method and (match := pattern.fullmatch(path)):
            query = parse_qs(parts.query)
            fields = {to: query[name][-1] for name, to in route.query.items() if name in query}
            return route.purpose(**match.groupdict(), **(fields and _parse_query(route.purpose, fields)))
    if kind == "document" or (kind is None and method == "GET" and not path.startswith(_NO_DOCUMENT)):
        return Document(path)
    return Other()


def _parse_query(purpose: type[Purpose], fields: dict[str, str]) -> dict[str, Any]:
    """The parameters of a query; what should be a number and is not becomes 0."""
    numbers = {each.name for each in msgspec.structs.fields(purpose) if each.type is int}
    return {
        name: value if name not in numbers else int(value) if value.isascii() and value.isdigit() else 0
        for name, value in fields.items()
    }


def _compile(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path.replace("{path*}", "(?P<path>.*)")))


# The home page's data serves several needs, so the need behind such a request is not known.
_PATTERNS = [(_compile(route.path), route) for route in ROUTES if route.path != _HOME_DATA]
