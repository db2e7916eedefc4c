"""The whole answer to one message, as values."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent import saving
from huggingchat_agent.artifact import Artifact
from huggingchat_agent.choices import SentVia
from huggingchat_agent.errors import UsageError
from huggingchat_agent.user_text import require_path

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Moments of one turn, in seconds on the monotonic clock; None if it did not happen.

    `tokens` is the number of pieces that the text came in, one `token` event each.
    """

    sent: float
    first_token: float | None = None
    last_token: float | None = None
    finished: float | None = None
    tokens: int = 0


class File(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A file that the run produced. The app stores it under its `sha` in the conversation.

    Its three fields are compared, printed and written as JSON. You can read a file from an event or an answer
    while the HuggingChat is open. `Conversation.file` makes any other file readable.
    """

    name: str
    sha: str
    mime: str

    def _bind(self, fetch: Callable[[], Awaitable[bytes]]) -> File:
        """The same file; `fetch` gets its bytes."""
        same = File(name=self.name, sha=self.sha, mime=self.mime)
        same.__dict__["fetch"] = fetch
        return same

    @property
    def _held(self) -> bytes | None:
        """Its bytes, if they are here without a download."""
        fetch = self.__dict__.get("fetch")
        return fetch.data if isinstance(fetch, Held) else None

    async def read(self) -> bytes:
        """Its bytes, downloaded through the signed-in browser.

        Raises UsageError for a file that cannot be read (from JSON or a tape), GenerationFailed if the app
        does not have it, SiteError if it is larger than 256 MiB, and the other errors of the app.
        """
        fetch: Callable[[], Awaitable[bytes]] | None = self.__dict__.get("fetch")
        if fetch is None:
            raise UsageError(
                f"The bytes of {self.name!r} cannot be read from here: take the file from its answer or "
                "event, or from `conversation.file(...)`."
            )
        return await fetch()

    async def save(self, path: str | os.PathLike[str]) -> Path:
        """Download it to a file, or into a folder under its own name, cleaned. Returns its path.

        In a folder it replaces nothing (photo.png, photo-2.png). At the path of a file it replaces that file.
        It is written whole or not at all. Raises StorageError, and as `read`.
        """
        import asyncio  # not for those who only read answers: it takes a while to load

        place = require_path("path", path)
        data = await self.read()
        return await asyncio.to_thread(saving.save, data, place, self.name, self.mime)


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A page that the answer refers to (web search of the 2025-04 generation)."""

    uri: str
    title: str = ""


class ToolUse(msgspec.Struct, frozen=True, kw_only=True):
    """One tool call and its outcome.

    `status` is "running" until the result, then "success" or "error". `outputs` are the app's own objects,
    `error` is the server's sentence. `arguments` is the JSON text that the model wrote, if known;
    `parameters` lacks what is nested in it.
    """

    uuid: str
    name: str
    parameters: dict[str, Any]
    arguments: str = ""
    status: str = "running"
    outputs: list[Any] = []
    error: str = ""

    @property
    def files(self) -> list[File]:
        """Pictures and other files inside the outputs; `sha` is that of their bytes."""
        return list(_find_inline_files(self.outputs))


class Router(msgspec.Struct, frozen=True, kw_only=True):
    """The router's choice; "" if the app did not say."""

    route: str = ""
    model: str = ""
    provider: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one turn produced.

    `text` is the answer without reasoning. `content` is the message as the server stores it, with `<think>`
    markup if the model wrote any. That markup counts where the model begins to write, and after each use of a
    tool. Elsewhere it is text, though the app's page hides it. `finish_reason` is "stop", "interrupted"
    (stopped, or the service ended the run) or "elicitation" (parked until a question is answered). The ids
    are the server's own, read from the conversation after the run; "" if it could not be read. `via` is how
    the message was sent: "ui", "page", or "" if a person or another program sent it. `artifacts` are those
    that it made or changed, with all versions so far; their markup is in `text` too.
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
    artifacts: list[Artifact] = []
    title: str | None = None
    router: Router | None = None
    interrupted: bool = False
    finish_reason: str = "stop"
    generation_id: str | None = None
    via: SentVia = ""

    def __repr__(self) -> str:
        text = self.text if len(self.text) <= 60 else f"{self.text[:60]}..."
        return f"<Answer {text!r}: {self.finish_reason}, {len(self.text)} characters>"


def _find_inline_files(outputs: list[Any]) -> Iterator[File]:
    number = 0
    for output in outputs:
        for block in (isinstance(output, dict) and output.get("content")) or ():
            if not isinstance(block, dict):
                continue
            held = block.get("resource") if block.get("type") == "resource" else block
            if not isinstance(held, dict):
                continue
            text = held.get("data") or held.get("blob")
            if not isinstance(text, str):
                continue
            try:
                data = base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError):
                continue
            number += 1
            name = str(held.get("uri") or f"output-{number}").rstrip("/").rpartition("/")[2]
            mime = str(held.get("mimeType") or "application/octet-stream")
            file = File(name=name, sha=hashlib.sha256(data).hexdigest(), mime=mime)
            yield file._bind(Held(data))


class Held:
    """Bytes that need no download."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    async def __call__(self) -> bytes:
        return self.data
