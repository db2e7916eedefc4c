"""Drive HuggingChat, or any chat-ui, in a real browser, and get its tokens in Python callbacks.

The public names are loaded when first used: importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from huggingchat_agent.answer import Answer as Answer
    from huggingchat_agent.answer import File as File
    from huggingchat_agent.answer import Router as Router
    from huggingchat_agent.answer import Source as Source
    from huggingchat_agent.answer import Timing as Timing
    from huggingchat_agent.answer import ToolUse as ToolUse
    from huggingchat_agent.artifact import Artifact as Artifact
    from huggingchat_agent.artifact import ArtifactVersion as ArtifactVersion
    from huggingchat_agent.batching.cluster import Cluster as Cluster
    from huggingchat_agent.batching.items import Item as Item
    from huggingchat_agent.batching.items import ItemError as ItemError
    from huggingchat_agent.batching.items import Result as Result
    from huggingchat_agent.batching.journal import Journal as Journal
    from huggingchat_agent.batching.run import batch as batch
    from huggingchat_agent.chat.attached import Attached as Attached
    from huggingchat_agent.chat.attached import attach as attach
    from huggingchat_agent.chat.conversation import Conversation as Conversation
    from huggingchat_agent.chat.deploying import Deployment as Deployment
    from huggingchat_agent.chat.elicitation import Elicitation as Elicitation
    from huggingchat_agent.chat.export import Export as Export
    from huggingchat_agent.chat.export import ExportedMessage as ExportedMessage
    from huggingchat_agent.chat.inputs import Billing as Billing
    from huggingchat_agent.chat.inputs import Payer as Payer
    from huggingchat_agent.chat.preferences import Preferences as Preferences
    from huggingchat_agent.chat.reply import Reply as Reply
    from huggingchat_agent.eventlog import EventLog as EventLog
    from huggingchat_agent.huggingchat import HuggingChat as HuggingChat
    from huggingchat_agent.huggingchat import OnTape as OnTape
    from huggingchat_agent.huggingchat import on_tape as on_tape
    from huggingchat_agent.playback.faults import Fault as Fault
    from huggingchat_agent.playback.player import Replay as Replay
    from huggingchat_agent.playback.player import replay as replay
    from huggingchat_agent.question import Field as Field
    from huggingchat_agent.session.account import Account as Account
    from huggingchat_agent.session.page_data import Models as Models
    from huggingchat_agent.session.page_data import Tools as Tools
    from huggingchat_agent.setting_values import Deadlines as Deadlines
    from huggingchat_agent.setting_values import Record as Record
    from huggingchat_agent.settings import Settings as Settings
    from huggingchat_agent.tape.format import Header as Header
    from huggingchat_agent.wire.conversations import ConversationRead as ConversationRead
    from huggingchat_agent.wire.conversations import ConversationSummary as ConversationSummary
    from huggingchat_agent.wire.conversations import StoredMessage as StoredMessage
    from huggingchat_agent.wire.models import Model as Model
    from huggingchat_agent.wire.tools import ServerTool as ServerTool
    from huggingchat_agent.wire.tools import ToolServer as ToolServer

__version__ = "0.1.0"

# The public names of each module.
_NAMES = {
    "answer": ("Answer", "File", "Router", "Source", "Timing", "ToolUse"),
    "batching.cluster": ("Cluster",),
    "artifact": ("Artifact", "ArtifactVersion"),
    "batching.items": ("Item", "ItemError", "Result"),
    "batching.journal": ("Journal",),
    "batching.run": ("batch",),
    "chat.attached": ("attach", "Attached"),
    "chat.conversation": ("Conversation",),
    "chat.deploying": ("Deployment",),
    "chat.elicitation": ("Elicitation",),
    "chat.export": ("Export", "ExportedMessage"),
    "chat.inputs": ("Billing", "Payer"),
    "chat.preferences": ("Preferences",),
    "chat.reply": ("Reply",),
    "errors": ("errors",),
    "eventlog": ("EventLog",),
    "events": ("events",),
    "huggingchat": ("HuggingChat", "on_tape", "OnTape"),
    "playback.faults": ("Fault",),
    "playback.player": ("Replay", "replay"),
    "question": ("Field",),
    "session.account": ("Account",),
    "session.page_data": ("Models", "Tools"),
    "setting_values": ("Deadlines", "Record"),
    "settings": ("Settings",),
    "sync": ("sync",),
    "tape.format": ("Header",),
    "wire.conversations": ("ConversationRead", "ConversationSummary", "StoredMessage"),
    "wire.models": ("Model",),
    "wire.tools": ("ServerTool", "ToolServer"),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [*sorted(_HOMES), "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    value = home if name == _HOMES[name] else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
