"""Drive HuggingChat, or any chat-ui, in a real browser, and get its tokens in Python callbacks.

The public names are loaded when first used: importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from huggingchat_agent.answer import Answer as Answer
    from huggingchat_agent.chat.attached import Attached as Attached
    from huggingchat_agent.chat.attached import attach as attach
    from huggingchat_agent.chat.chat import HuggingChat as HuggingChat
    from huggingchat_agent.chat.conversation import Conversation as Conversation
    from huggingchat_agent.chat.elicitation import Elicitation as Elicitation
    from huggingchat_agent.chat.preferences import Preferences as Preferences
    from huggingchat_agent.chat.reply import Reply as Reply
    from huggingchat_agent.eventlog import EventLog as EventLog
    from huggingchat_agent.playback.playback import replay as replay
    from huggingchat_agent.playback.stage import on_tape as on_tape
    from huggingchat_agent.session.account import Account as Account
    from huggingchat_agent.settings import Deadlines as Deadlines
    from huggingchat_agent.settings import Record as Record
    from huggingchat_agent.wire.models import Model as Model

__version__ = "0.1.0"

# Where each public name lives.
_HOMES = {
    "Account": "session.account",
    "Answer": "answer",
    "Attached": "chat.attached",
    "attach": "chat.attached",
    "Conversation": "chat.conversation",
    "Deadlines": "settings",
    "Elicitation": "chat.elicitation",
    "EventLog": "eventlog",
    "HuggingChat": "chat.chat",
    "Model": "wire.models",
    "Preferences": "chat.preferences",
    "Record": "settings",
    "Reply": "chat.reply",
    "errors": "errors",
    "events": "events",
    "on_tape": "playback.stage",
    "replay": "playback.playback",
    "sync": "sync",
}

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
