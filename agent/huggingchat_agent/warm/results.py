"""Values that stand for objects in the messages of a warm session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.session.page_data import Source
from huggingchat_agent.wire.conversations import ConversationSummary
from huggingchat_agent.wire.models import Model
from huggingchat_agent.wire.tools import ToolServer

if TYPE_CHECKING:
    from collections.abc import Sequence


class Entries(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the list of conversations."""

    entries: list[ConversationSummary]
    more: bool


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    """The models, and where they come from."""

    entries: list[Model]
    source: Source


class ToolList(msgspec.Struct, frozen=True, kw_only=True):
    """The tool servers, and where they come from, or why there are none."""

    entries: list[ToolServer]
    source: Source
    missing: str


def pack_tools(tools: Sequence[str | ToolServer] | None) -> list[Any] | None:
    """The tools of a message as JSON. Headers of own servers are in clear: the socket is private."""
    if tools is None:
        return None
    return [each.fields if isinstance(each, ToolServer) else each for each in tools]


def unpack_tools(tools: list[Any] | None) -> list[str | ToolServer] | None:
    """The tools of a message from their JSON."""
    if tools is None:
        return None
    return [each if isinstance(each, str) else _read_own(each) for each in tools]


def _read_own(fields: dict[str, Any]) -> ToolServer:
    headers = {each["key"]: each["value"] for each in fields.get("headers", [])}
    return ToolServer(fields["name"], fields["url"], headers)
