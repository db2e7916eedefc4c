"""Values that a warm session returns, where the methods themselves return objects."""

from __future__ import annotations

import msgspec

from huggingchat_agent.session.page_data import Source
from huggingchat_agent.wire.conversations import ConversationSummary
from huggingchat_agent.wire.models import Model
from huggingchat_agent.wire.tools import ToolServer


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
