"""One request and the pieces of its answer, independent of the protocol."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from huggingchat_agent.answer import Source, ToolUse
from huggingchat_agent.serve.tool_format import Tool, ToolCall, describe_tools, write_calls, write_result
from huggingchat_agent.structured import Form

CHARACTERS_PER_TOKEN = 4  # the app counts no tokens for us; this is the usual estimate


class Picture(msgspec.Struct, frozen=True):
    """A picture of a message. With a `url` it is still to be downloaded, and has no data."""

    name: str
    data: bytes = b""
    mime: str = ""
    url: str = ""


class Message(msgspec.Struct, frozen=True):
    """One message of a list. `calls` are those of an answer; `result_of` is the call that a tool answered."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    pictures: tuple[Picture, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    result_of: ToolCall | None = None

    @property
    def content(self) -> str:
        """All of it as text, with the calls and the result as the model reads them."""
        if self.result_of is not None:
            return write_result(self.result_of, self.text)
        return "\n".join(each for each in (self.text, write_calls(self.calls)) if each)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks. `ignored` are the parameters that have no effect here.

    `must_call` is the tool that the answer must call, "" for any tool, None if it need not call one. If
    `may_call` is false it must not. `form` is None for free text.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    may_call: bool = True
    must_call: str | None = None
    one_call: bool = False
    form: Form | None = None
    stream: bool = False
    include_usage: bool = False
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def system(self) -> str | None:
        """The system messages and the client's tools. None without any: the model's own prompt counts."""
        texts = [each.text for each in self.messages if each.role == "system"]
        return "\n\n".join([*texts, *([describe_tools(self.tools)] if self.tools else [])]) or None


class Text(msgspec.Struct, frozen=True):
    """A piece of the answer."""

    text: str


class Thought(msgspec.Struct, frozen=True):
    """A piece of the reasoning."""

    text: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The end of an answer, and all of it.

    `finish` is "length" where `max_tokens` cut it. `stopped_by` is the stop sequence that cut it, or None.
    `calls` are for the client's tools, `tools` are those that the app used.
    """

    model: str
    text: str
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
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
    spoken = [each for each in messages if each.role != "system" and each.content.strip()]
    if len({each.role for each in spoken}) == 1 and spoken[0].role != "assistant":
        return "\n\n".join(each.content for each in spoken)
    return "\n".join([*(f"{each.role.capitalize()}: {each.content}" for each in spoken), "Assistant:"])
