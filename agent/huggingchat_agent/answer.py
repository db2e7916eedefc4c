"""The whole answer to one message, as values."""

from __future__ import annotations

from typing import Any

import msgspec


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Moments of one turn, in seconds on the monotonic clock; None where it did not happen.

    `tokens` is in how many pieces the text came, one `token` event each.
    """

    sent: float
    first_token: float | None = None
    last_token: float | None = None
    finished: float | None = None
    tokens: int = 0


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file the run produced, stored by the app under its `sha` in the conversation."""

    name: str
    sha: str
    mime: str


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A page the answer refers to (web search of the 2025-04 generation)."""

    uri: str
    title: str = ""


class ToolUse(msgspec.Struct, frozen=True, kw_only=True):
    """One tool call and what came of it.

    `status` is "running" until the result: "success" or "error". `outputs` are the app's own
    objects, `error` the server's sentence.
    """

    uuid: str
    name: str
    parameters: dict[str, Any]
    status: str = "running"
    outputs: list[Any] = []
    error: str = ""


class Router(msgspec.Struct, frozen=True, kw_only=True):
    """What the router chose; "" where the app did not say."""

    route: str = ""
    model: str = ""
    provider: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one turn produced.

    `text` is the answer without reasoning. `content` is the message as the server stores it, with
    `<think>` markup if the model wrote any. `finish_reason` is "stop", "interrupted" (stopped, or
    the service ended the run) or "elicitation" (parked until a question is answered). The ids are
    the server's own, read from the conversation after the run; "" where it could not be read.
    """

    text: str
    conversation_id: str
    user_message_id: str
    message_id: str
    timing: Timing
    content: str = ""
    reasoning: str = ""
    files: list[File] = []
    sources: list[Source] = []
    tools: list[ToolUse] = []
    title: str | None = None
    router: Router | None = None
    interrupted: bool = False
    finish_reason: str = "stop"
    generation_id: str | None = None
    via: str = ""
