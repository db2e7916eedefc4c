"""A conversation as a document to keep: Markdown to read, or JSON for programs.

Markdown holds what the app's page shows: the active branch, with reasoning and tool calls folded in.

JSON holds all branches, as one object:

    format, version     "huggingchat-conversation", 1; a version only ever gains keys
    id, url, title, model, system_prompt, updated_at
    leaf                the id of the last message of the active branch
    messages            in order of creation, the root (the system prompt) first

and each message:

    id, parent, children    the tree: ids; `parent` is null for the root
    active                  whether it is on the active branch
    author                  "system", "user" or "assistant"
    text, reasoning         separated, even if the app stores them as one
    content                 as the app stores it
    created_at, updated_at  ISO 8601, or null
    files                   sent with it, or made by its run: name, mime, and the sha that reads it
    sources                 uri and title
    tools                   uuid, name, parameters, status, outputs, error
    router                  route, model and provider, or null
    interrupted             whether it was stopped before its end
    error                   the app's reason why the run failed, or null
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

import msgspec

from huggingchat_agent.answer import File, Router, Source, ToolUse
from huggingchat_agent.errors import UsageError
from huggingchat_agent.wire.fold import read_stored

if TYPE_CHECKING:
    from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage

Form = Literal["markdown", "json"]

FORMAT, VERSION = "huggingchat-conversation", 1

_NAMES = {"user": "You", "assistant": "Assistant", "system": "System"}


class ExportedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message; see above."""

    id: str
    parent: str | None
    children: list[str]
    active: bool
    author: str
    text: str
    reasoning: str
    content: str
    created_at: datetime | None
    updated_at: datetime | None
    files: list[File]
    sources: list[Source]
    tools: list[ToolUse]
    router: Router | None
    interrupted: bool
    error: str | None


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """The whole conversation; see above."""

    format: str = FORMAT
    version: int = VERSION
    id: str
    url: str
    title: str
    model: str
    system_prompt: str
    updated_at: datetime | None
    leaf: str
    messages: list[ExportedMessage]

    @property
    def active(self) -> list[ExportedMessage]:
        """The messages of the active branch, from the root."""
        return [each for each in self.messages if each.active]


def render(read: ConversationRead, form: Form, *, url: str = "") -> str:
    """The conversation as a document that ends with a newline. Raises UsageError for another form."""
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(build_export(read, url=url)), indent=2).decode() + "\n"
    if form == "markdown":
        return render_markdown(build_export(read, url=url))
    raise UsageError(f"A conversation cannot be exported as {form!r}, only as {' or '.join(get_args(Form))}.")


def build_export(read: ConversationRead, *, url: str = "") -> Export:
    """The export of a conversation. `url` is the address of its page."""
    # Older apps send no tree: the messages are then one branch.
    flat = not any(each.ancestors for each in read.messages)
    leaf = read.active_leaf() if read.messages else None
    branch = {leaf.id, *leaf.ancestors} if leaf is not None else set()
    messages = [_export_message(each, active=flat or each.id in branch) for each in read.messages]
    return Export(
        id=read.id,
        url=url,
        title=read.title,
        model=read.model,
        system_prompt=next((each.content for each in read.messages if each.author == "system"), ""),
        updated_at=read.updated_at,
        leaf="" if leaf is None else leaf.id,
        messages=messages,
    )


def _export_message(stored: StoredMessage, *, active: bool) -> ExportedMessage:
    fold = read_stored(stored)
    text, reasoning = fold.split(stored.content) if stored.author == "assistant" else (stored.content, "")
    return ExportedMessage(
        id=stored.id,
        parent=stored.ancestors[-1] if stored.ancestors else None,
        children=list(stored.children),
        active=active,
        author=stored.author,
        text=text,
        reasoning=reasoning or stored.reasoning or fold.reasoning,
        content=stored.content,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
        files=[_parse_file(each) for each in stored.files] + fold.files,
        sources=fold.sources,
        tools=list(fold.tools.values()),
        router=stored.router or fold.router,
        interrupted=stored.interrupted or fold.interrupted,
        error=None if fold.error is None else fold.error.message or "",
    )


def _parse_file(raw: dict[str, Any]) -> File:
    name, sha, mime = (str(raw.get(key) or "") for key in ("name", "value", "mime"))
    return File(name=name, sha=sha, mime=mime)


def render_markdown(export: Export) -> str:
    """The active branch, to read."""
    facts = [("Model", export.model), ("Changed", _format_moment(export.updated_at)), ("Address", export.url)]
    blocks = [f"# {_join_lines(export.title) or 'Untitled'}"]
    blocks.append("\n".join(f"- {name}: {value}" for name, value in facts if value))
    if export.system_prompt:
        blocks.append(_render_details("System prompt", export.system_prompt))
    versions = {child: len(each.children) for each in export.messages for child in each.children}
    for message in export.active:
        if message.author != "system":
            blocks += [f"## {_NAMES.get(message.author, message.author)}", *render_message(message)]
            if versions.get(message.id, 1) > 1:
                blocks.append(f"*One of {versions[message.id]} versions.*")
    return "\n\n".join(block for block in blocks if block) + "\n"


def render_message(message: ExportedMessage) -> list[str]:
    """The Markdown blocks of one message, in the order they are read in."""
    blocks = [_render_details("Reasoning", message.reasoning)] if message.reasoning.strip() else []
    blocks += [_render_details(f"Tool {use.name} ({use.status})", _render_tool(use)) for use in message.tools]
    blocks.append(message.text.strip())
    if message.files:
        blocks.append("\n".join(f"- File: {_join_lines(each.name)} ({each.mime})" for each in message.files))
    if message.sources:
        blocks.append("\n".join(f"- Source: {_render_link(each)}" for each in message.sources))
    if message.error is not None:
        blocks.append(f"*Failed: {_join_lines(message.error) or 'no reason given'}*")
    elif message.interrupted:
        blocks.append("*Stopped before its end.*")
    return blocks


def _render_details(title: str, text: str) -> str:
    return f"<details><summary>{_join_lines(title)}</summary>\n\n{text.strip()}\n\n</details>"


def _render_tool(use: ToolUse) -> str:
    fields: dict[str, Any] = {"parameters": use.parameters}
    fields |= {"outputs": use.outputs} if use.outputs else {}
    fields |= {"error": use.error} if use.error else {}
    text = msgspec.json.format(msgspec.json.encode(fields), indent=2).decode()
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}json\n{text}\n{fence}"


def _render_link(source: Source) -> str:
    title = re.sub(r"([\[\]\\])", r"\\\1", _join_lines(source.title))
    return f"[{title}](<{source.uri}>)" if title else f"<{source.uri}>"


def _join_lines(text: str) -> str:
    return " ".join(text.split())


def _format_moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M UTC")
