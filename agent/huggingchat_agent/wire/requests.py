"""What a request of the app is for, and what it sends."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from huggingchat_agent.wire import jsontext

if TYPE_CHECKING:
    from collections.abc import Sequence


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


def send_fields(body: bytes | None, content_type: str) -> dict[str, Any] | None:
    """The `data` of a sent message: `inputs`, `id`, `is_retry`, `generationId` and so on.

    None where the body is missing, cut off before its end, or not such a message.
    """
    if body is None:
        return None
    if content_type.startswith("application/json"):  # before 2024-06
        return _object(body)
    boundary = re.search(r'boundary="?([^";,\s]+)', content_type)
    if boundary is None:
        return None
    for part in body.split(b"--" + boundary[1].encode()):
        head, separator, content = part.partition(b"\r\n\r\n")
        if separator and b'name="data"' in head:
            return _object(content)
    return None


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        value = jsontext.load(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


# Building requests. They are made inside the page (site/calls.py), or raw by tests.


class FormPart(msgspec.Struct, frozen=True):
    """One part of a multipart form. A part with a `filename` is a file, of media type `mime`."""

    name: str
    body: str
    filename: str | None = None
    mime: str = ""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `path` begins behind the base path; the body is `json`, or `form`, or nothing.

    `stream` is true where the answer comes bit by bit, `binary` where it is not text.
    """

    method: str
    path: str
    headers: dict[str, str] = {}
    json: Any = None
    form: list[FormPart] | None = None
    stream: bool = False
    binary: bool = False


def create_conversation(model: str, preprompt: str | None = None) -> Call:
    """A new conversation; `preprompt` is its system prompt, None for the model's own."""
    body = {"model": model} if preprompt is None else {"model": model, "preprompt": preprompt}
    return Call(method="POST", path="/conversation", json=body)


def send_message(
    conversation_id: str,
    inputs: str | None,
    parent_id: str,
    generation_id: str,
    *,
    timezone: str,
    is_retry: bool = False,
    mcp_servers: Sequence[dict[str, Any]] | None = None,
    files: Sequence[FormPart] = (),
    resume_elicitation_id: str | None = None,
) -> Call:
    """A message, as the page sends it.

    `parent_id` is the message it answers; with `is_retry` the assistant message to make anew
    (`inputs` None) or the user message to put `inputs` in place of. `generation_id` is a new UUID.
    `mcp_servers` are the enabled ones with name, url and perhaps headers; None leaves it to the app,
    which then takes all it offers. `files` as `new_file` and `stored_file` make them; `timezone` is
    an IANA name.
    """
    data: dict[str, Any] = {} if inputs is None else {"inputs": inputs}
    data |= {
        "id": parent_id,
        "is_retry": is_retry,
        "is_continue": False,
        "generationId": generation_id,
    }
    if mcp_servers is not None:
        data["selectedMcpServerNames"] = [server["name"] for server in mcp_servers]
        data["selectedMcpServers"] = [
            {key: server[key] for key in ("name", "url", "headers") if key in server}
            for server in mcp_servers
        ]
    data["timezone"] = timezone
    if resume_elicitation_id is not None:
        data["resumeElicitationId"] = resume_elicitation_id
    form = [*files, FormPart("data", msgspec.json.encode(data).decode())]
    return Call(method="POST", path=f"/conversation/{_segment(conversation_id)}", form=form, stream=True)


def new_file(name: str, mime: str, data: bytes) -> FormPart:
    """A file to send with a message."""
    return FormPart("files", base64.b64encode(data).decode(), f"base64;{name}", mime)


def stored_file(name: str, mime: str, sha: str) -> FormPart:
    """A file the conversation already holds under `sha`, to send again."""
    return FormPart("files", sha, f"hash;{name}", mime)


def output_file(conversation_id: str, sha: str) -> Call:
    """The bytes of a file that the conversation holds under `sha`."""
    path = f"/conversation/{_segment(conversation_id)}/output/{_segment(sha)}"
    return Call(method="GET", path=path, binary=True)


def stop_generating(conversation_id: str, generation_id: str | None = None, seen: int | None = None) -> Call:
    """The end of a run. With both given the app cuts the text to `seen` (UTF-16 units), else it keeps it."""
    body = None
    if generation_id is not None and seen is not None:
        body = {"generationId": generation_id, "seenContentLength": seen}
    return Call(method="POST", path=f"/conversation/{_segment(conversation_id)}/stop-generating", json=body)


def reattach(conversation_id: str, generation_id: str, from_seq: int) -> Call:
    """The stream of a run from behind line `from_seq` on (server-sent events)."""
    path = f"/conversation/{_segment(conversation_id)}/stream"
    query = f"generationId={_segment(generation_id)}&fromSeq={from_seq}"
    return Call(method="GET", path=f"{path}?{query}", stream=True)


def read_conversation(conversation_id: str) -> Call:
    """One conversation with all its messages."""
    return Call(method="GET", path=f"/api/v2/conversations/{_segment(conversation_id)}")


def list_conversations(page: int = 0) -> Call:
    """A page of the list of conversations, from 0."""
    return Call(method="GET", path=f"/api/v2/conversations?p={page}")


def rename_conversation(conversation_id: str, title: str) -> Call:
    """A new title, of 1 to 100 characters."""
    return Call(method="PATCH", path=f"/conversation/{_segment(conversation_id)}", json={"title": title})


def change_model(conversation_id: str, model: str) -> Call:
    """Another model for the messages to come."""
    return Call(method="PATCH", path=f"/conversation/{_segment(conversation_id)}", json={"model": model})


def delete_conversation(conversation_id: str) -> Call:
    """The end of a conversation."""
    return Call(method="DELETE", path=f"/conversation/{_segment(conversation_id)}")


def share_conversation(conversation_id: str) -> Call:
    """A public snapshot of a conversation."""
    return Call(method="POST", path=f"/conversation/{_segment(conversation_id)}/share")


def import_share(share_id: str) -> Call:
    """A copy of one's own of a shared snapshot; always the same one."""
    return Call(method="POST", path="/api/v2/conversations/import-share", json={"shareId": share_id})


def list_models() -> Call:
    """The models."""
    return Call(method="GET", path="/api/v2/models")


def read_user() -> Call:
    """Who is signed in; the answer is null for nobody."""
    return Call(method="GET", path="/api/v2/user")


def read_settings() -> Call:
    """The user's settings."""
    return Call(method="GET", path="/api/v2/user/settings")


def save_settings(settings: dict[str, Any]) -> Call:
    """The user's settings. The app resets what is left out to its default: give all of them."""
    return Call(method="POST", path="/settings", json=settings)


def feature_flags() -> Call:
    """What this deployment has switched on; `loginEnabled` among it."""
    return Call(method="GET", path="/api/v2/feature-flags")


def logout() -> Call:
    """The end of the session at the app. It answers with a redirect to its home page."""
    return Call(method="POST", path="/logout")


def answer_elicitation(
    conversation_id: str, elicitation_id: str, action: str, content: dict[str, Any] | None = None
) -> Call:
    """The answer to a question of a tool: "accept", "decline" or "cancel", the first with its fields."""
    body: dict[str, Any] = {"elicitationId": elicitation_id, "action": action}
    if content is not None:
        body["content"] = content
    return Call(method="POST", path=f"/conversation/{_segment(conversation_id)}/elicitation", json=body)


def mcp_servers() -> Call:
    """The tool servers the app offers."""
    return Call(method="GET", path="/api/mcp/servers")


def multipart(parts: Sequence[FormPart], boundary: str) -> bytes:
    """The body of a form, as Chromium writes it."""
    body = ""
    for part in parts:
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(part.name)}"'
        if part.filename is not None:
            mime = part.mime or "application/octet-stream"
            body += f'; filename="{_quoted(part.filename)}"\r\nContent-Type: {mime}'
        body += f"\r\n\r\n{part.body}\r\n"
    return f"{body}--{boundary}--\r\n".encode()


def _segment(value: str) -> str:
    return quote(value, safe="")


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
