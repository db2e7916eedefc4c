"""The requests of the app. They are made inside the page (site/calls.py), or raw by tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.errors import UsageError
from huggingchat_agent.user_text import explain_unencodable
from huggingchat_agent.wire import purposes, routes
from huggingchat_agent.wire.multipart import FormPart
from huggingchat_agent.wire.purposes import Purpose
from huggingchat_agent.wire.retry_rules import Repeats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggingchat_agent.wire.routes import Route


SEND = "POST /conversation/{conversation_id}"
"""The route of a message."""
CREATE = "POST /conversation"
"""The route of a new conversation."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `path` begins behind the base path; the body is `json`, `form`, `whole`, or nothing.

    `binary` is true where the answer is not text. `others` serve the same purpose, for apps that do not have
    this route. `mistaken` is as for the route.
    """

    method: str
    path: str
    headers: dict[str, str] = {}
    json: Any = None
    form: list[FormPart] | None = None
    whole: FormPart | None = None  # a file that is the whole body
    binary: bool = False
    purpose: type[Purpose] | None = None
    route: str = ""  # method and path as the table has them
    repeats: Repeats = "never"  # the kind of the call in `retry_rules`
    others: tuple[Call, ...] = ()
    mistaken: str = ""


def build(purpose: Purpose, fields: dict[str, Any] | None = None, files: Sequence[FormPart] = ()) -> Call:
    """The request for a purpose, with `fields` as its body. Raises UsageError for half a character."""
    first, *others = (
        _build(route, purpose, fields, files) for route in routes.list_alternatives(type(purpose))
    )
    return msgspec.structs.replace(first, others=tuple(others)) if others else first


def _build(route: Route, purpose: Purpose, fields: dict[str, Any] | None, files: Sequence[FormPart]) -> Call:
    assert route.body is not None
    try:
        msgspec.json.encode(fields)
        body, path = route.body(fields or {}, files), route.fill(purpose)
    except UnicodeEncodeError as error:
        raise UsageError(explain_unencodable(f"The text for {route.method} {route.path}", error)) from None
    return Call(
        method=route.method,
        path=path,
        binary=route.binary,
        purpose=type(purpose),
        route=f"{route.method} {route.path}",
        mistaken=route.mistaken,
        repeats=route.rule,
        **body,
    )


def create_conversation(model: str, preprompt: str | None = None) -> Call:
    """A new conversation; `preprompt` is its system prompt, None for the model's own."""
    fields = {"model": model} if preprompt is None else {"model": model, "preprompt": preprompt}
    return build(purposes.CreateConversation(), fields)


def send_message(
    conversation_id: str,
    inputs: str | None,
    parent_id: str,
    generation_id: str,
    *,
    timezone: str,
    is_retry: bool = False,
    is_continue: bool = False,
    mcp_servers: Sequence[dict[str, Any]] | None = None,
    built_in: Sequence[str] | None = None,
    web_search: bool = False,
    files: Sequence[FormPart] = (),
    resume_elicitation_id: str | None = None,
) -> Call:
    """A message, as the page sends it.

    `parent_id` is the message it answers; with `is_retry` the assistant message to retry (`inputs` None) or
    the user message that `inputs` replaces; with `is_continue` the answer that an app before October 2025
    writes on. `generation_id` is a new UUID. `mcp_servers` are the enabled ones with name, url and perhaps
    headers; None leaves the choice to the app, which takes all. `built_in` are the ids of the tools that are
    on in an app before November 2025, which takes none by itself; `web_search` is for models there that use
    no tools. `files` come from `encode_file` and `refer_to_file`; `timezone` is an IANA name.
    """
    data: dict[str, Any] = {} if inputs is None else {"inputs": inputs}
    data |= {"id": parent_id, "is_retry": is_retry, "is_continue": is_continue, "generationId": generation_id}
    if mcp_servers is not None:
        data["selectedMcpServerNames"] = [server["name"] for server in mcp_servers]
        data["selectedMcpServers"] = [
            {key: server[key] for key in ("name", "url", "headers") if key in server}
            for server in mcp_servers
        ]
    if built_in is not None:
        data |= {"tools": list(built_in), "web_search": web_search}
    data["timezone"] = timezone
    if resume_elicitation_id is not None:
        data["resumeElicitationId"] = resume_elicitation_id
    return build(purposes.SendMessage(conversation_id), data, files)


def stop_generating(conversation_id: str, generation_id: str | None = None, seen: int | None = None) -> Call:
    """Stop a run. With both arguments the app cuts the text to `seen` (UTF-16 units), else it keeps all."""
    fields = None
    if generation_id is not None and seen is not None:
        fields = {"generationId": generation_id, "seenContentLength": seen}
    return build(purposes.StopGenerating(conversation_id), fields)


def rename_conversation(conversation_id: str, title: str) -> Call:
    """A new title, of 1 to 100 characters."""
    return build(purposes.ChangeConversation(conversation_id), {"title": title})


def change_model(conversation_id: str, model: str) -> Call:
    """Another model for the messages to come."""
    return build(purposes.ChangeConversation(conversation_id), {"model": model})


def import_share(share_id: str, model: str) -> Call:
    """Make the account's copy of a shared snapshot; in newer apps always the same one. Older apps require one
    of their models, and do not use it.
    """
    return build(purposes.ImportShare(), {"shareId": share_id, "model": model})


def answer_elicitation(
    conversation_id: str, elicitation_id: str, action: str, content: dict[str, Any] | None = None
) -> Call:
    """The answer to a question of a tool: "accept", "decline" or "cancel", the first with its fields."""
    fields: dict[str, Any] = {"elicitationId": elicitation_id, "action": action}
    if content is not None:
        fields["content"] = content
    return build(purposes.AnswerElicitation(conversation_id), fields)


def deploy_space(
    conversation_id: str, identifier: str, title: str, kind: str, content: str, *, public: bool
) -> Call:
    """A Space that shows an artifact. If the name is taken, the app chooses another one."""
    fields = {
        "conversationId": conversation_id,
        "artifactIdentifier": identifier,
        "title": title,
        "kind": kind,
        "content": content,
        "visibility": "public" if public else "private",
    }
    return build(purposes.DeploySpace(), fields)


def transcribe(audio: FormPart) -> Call:
    """The text of a recording, which is the whole body."""
    return msgspec.structs.replace(build(purposes.Transcribe()), json=None, whole=audio)


def check_mcp_server(server: dict[str, Any]) -> Call:
    """Have the app connect to a tool server, given as in a message, and list its tools."""
    return build(purposes.CheckMcpServer(), {key: server[key] for key in ("url", "headers") if key in server})
