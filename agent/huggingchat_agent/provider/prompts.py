"""Makes the prompt for the app from a list of messages, as clients of other services keep it.

The app keeps the history itself and takes one message at a time. A conversation that continues gets only the
user's last messages; a new one gets the whole list in one prompt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Messages = Sequence[Mapping[str, Any]]

_SYSTEM = ("system", "developer")


def extract_text(content: Any) -> str:
    """The text of a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(
            part if isinstance(part, str) else str(part.get("text") or "")
            for part in content
            if isinstance(part, str) or part.get("type", "text") == "text"
        )
    return "" if content is None else str(content)


def join_system_prompts(messages: Messages) -> str | None:
    """The text of the system messages. None without any, so that the model's own prompt counts."""
    texts = [extract_text(each.get("content")) for each in messages if each.get("role") in _SYSTEM]
    return "\n".join(filter(None, texts)) or None


def format_prompt(messages: Messages) -> str:
    """All messages except the system's: a single one unchanged, several as lines that begin with the role."""
    said = [
        (str(each.get("role") or "user"), text)
        for each in messages
        if each.get("role") not in _SYSTEM and (text := extract_text(each.get("content"))).strip()
    ]
    if len(said) <= 1:
        return said[0][1] if said else ""
    return "\n".join([*(f"{role.capitalize()}: {text}" for role, text in said), "Assistant:"])


def find_last_messages(messages: Messages) -> list[Mapping[str, Any]]:
    """The user's messages since the last answer."""
    last: list[Mapping[str, Any]] = []
    for message in reversed(messages):
        if message.get("role") == "user":
            last.insert(0, message)
        elif last:
            break
    return last


def find_last_user_message(messages: Messages) -> str:
    """The text of the user's messages since the last answer."""
    return "\n".join(
        filter(None, (extract_text(each.get("content")).strip() for each in find_last_messages(messages)))
    )
