"""What a request of the app is for."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import msgspec


class Purpose(msgspec.Struct, frozen=True):
    """Base of what a request can be for."""


class SendMessage(Purpose, frozen=True):
    """A message, a retry, an edit or a resumption: the answer is a stream."""

    conversation_id: str


class CreateConversation(Purpose, frozen=True):
    """A new conversation."""


class ReadConversation(Purpose, frozen=True):
    """One conversation with its messages, in any of its three forms."""

    conversation_id: str


class ListConversations(Purpose, frozen=True):
    """A page of the list of conversations, from 0."""

    page: int = 0


class ListModels(Purpose, frozen=True):
    """The models."""


class ReadUser(Purpose, frozen=True):
    """Who is signed in."""


class ReadSettings(Purpose, frozen=True):
    """The user's settings."""


class SaveSettings(Purpose, frozen=True):
    """The user's settings, all of them."""


class StopGenerating(Purpose, frozen=True):
    """The end of a run."""

    conversation_id: str


class Reattach(Purpose, frozen=True):
    """The stream of a run from a certain line on. `generation_id` is "" for the newest run."""

    conversation_id: str
    generation_id: str = ""
    from_seq: int = 0


class Live(Purpose, frozen=True):
    """The watch over all runs of the user."""


class McpServers(Purpose, frozen=True):
    """The tool servers the app offers."""


class PageData(Purpose, frozen=True):
    """What a page shows, other than a conversation (`__data.json`). `path` is the page's."""

    path: str


class Login(Purpose, frozen=True):
    """The beginning of signing in."""


class LoginCallback(Purpose, frozen=True):
    """The return from the identity provider. Its address holds secrets."""


class Logout(Purpose, frozen=True):
    """Signing out."""


class Document(Purpose, frozen=True):
    """A page. `path` is without base path, query and slash at the end."""

    path: str


class Other(Purpose, frozen=True):
    """Anything else, outside the app as well."""


_ID = "(?P<conversation_id>[^/]+)"
_ROUTES: list[tuple[str, re.Pattern[str], type[Purpose]]] = [
    (method, re.compile(path), purpose)
    for method, path, purpose in (
        ("POST", "/conversation", CreateConversation),
        ("POST", f"/conversation/{_ID}", SendMessage),
        ("POST", f"/conversation/{_ID}/stop-generating", StopGenerating),
        ("GET", f"/conversation/{_ID}/stream", Reattach),
        ("GET", f"/conversation/{_ID}/__data.json", ReadConversation),
        ("GET", f"/api/v2/conversations/{_ID}", ReadConversation),
        ("GET", f"/api/conversation/{_ID}", ReadConversation),
        ("GET", "/api/(v2/)?conversations", ListConversations),
        ("GET", "/api/(v2/)?models", ListModels),
        ("GET", "/api/(v2/)?user", ReadUser),
        ("GET", "/api/v2/user/settings", ReadSettings),
        ("POST", "/settings|/api/v2/user/settings", SaveSettings),
        ("GET", "/api/v2/generations/live", Live),
        ("GET", "/api/mcp/servers", McpServers),
        ("GET", "(?P<path>.*)/__data.json", PageData),
        ("GET|POST", "/login", Login),
        ("GET", "/login/callback", LoginCallback),
        ("POST", "/logout", Logout),
    )
]
_NO_DOCUMENT = ("/api/", "/_app/")


def classify(method: str, url: str, base_path: str, kind: str | None = None) -> Purpose:
    """What a request is for. `base_path` is "" or such as "/chat"; the host is not looked at.

    `kind` is the browser's resource type, where known: with it only a "document" is a Document,
    without it every other GET outside the api.
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    if path != base_path and not path.startswith(f"{base_path}/"):
        return Other()
    path = path.removeprefix(base_path)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    for methods, route, purpose in _ROUTES:
        if method in methods.split("|") and (match := route.fullmatch(path)):
            return _purpose(purpose, match.groupdict(), query)
    if kind == "document" or (kind is None and method == "GET" and not path.startswith(_NO_DOCUMENT)):
        return Document(path)
    return Other()


def _purpose(kind: type[Purpose], found: dict[str, str], query: dict[str, str]) -> Purpose:
    if kind is Reattach:
        return Reattach(
            found["conversation_id"], query.get("generationId", ""), _number(query.get("fromSeq", ""))
        )
    if kind is ListConversations:
        return ListConversations(_number(query.get("p", "")))
    return kind(**found)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
