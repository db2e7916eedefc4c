"""The requests of the app. They are made inside the page (site/calls.py), or raw by tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from huggingchat_agent.wire.multipart import FormPart

if TYPE_CHECKING:
    from collections.abc import Sequence


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `path` begins behind the base path; the body is `json`, or `form`, or nothing.

    `binary` is true where the answer is not text.
    """

    method: str
    path: str
    headers: dict[str, str] = {}
    json: Any = None
    form: list[FormPart] | None = None
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
    return Call(method="POST", path=f"/conversation/{_segment(conversation_id)}", form=form)


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


def _segment(value: str) -> str:
    return quote(value, safe="")
