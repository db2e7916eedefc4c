"""One request and the pieces of its answer, as all protocols mean them."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from huggingchat_agent.answer import Source, ToolUse

CHARACTERS_PER_TOKEN = 4  # the app counts no tokens for us; this is the usual estimate


class Picture(msgspec.Struct, frozen=True):
    """A picture of a message."""

    name: str
    data: bytes
    mime: str


class Message(msgspec.Struct, frozen=True):
    """One message of a list."""

    role: Literal["system", "user", "assistant"]
    text: str
    pictures: tuple[Picture, ...] = ()


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks. `ignored` are the parameters that have no effect here."""

    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    include_usage: bool = False
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def system(self) -> str | None:
        """The system messages as one text. None without any, so that the model's own prompt counts."""
        return "\n".join(each.text for each in self.messages if each.role == "system") or None


class Text(msgspec.Struct, frozen=True):
    """A piece of the answer."""

    text: str


class Thought(msgspec.Struct, frozen=True):
    """A piece of the reasoning."""

    text: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The end of an answer, and all of it.

    `finish` is "length" where `max_tokens` cut it. `stopped_by` is the stop sequence that cut it, or None.
    """

    model: str
    text: str
    reasoning: str = ""
    finish: Literal["stop", "length"] = "stop"
    stopped_by: str | None = None
    sources: tuple[Source, ...] = ()
    tools: tuple[ToolUse, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0


Piece: TypeAlias = Text | Thought | Outcome


def estimate_tokens(*texts: str) -> int:
    """About how many tokens these texts have together."""
    return -(-sum(map(len, texts)) // CHARACTERS_PER_TOKEN)


def format_history(messages: tuple[Message, ...]) -> str:
    """All messages except the system's as one prompt, with their roles where they have several."""
    spoken = [each for each in messages if each.role != "system" and each.text.strip()]
    if all(each.role == "user" for each in spoken):
        return "\n\n".join(each.text for each in spoken)
    return "\n".join([*(f"{each.role.capitalize()}: {each.text}" for each in spoken), "Assistant:"])
