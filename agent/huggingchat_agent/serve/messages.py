"""`/v1/messages`, Anthropic's API: the shapes of its requests and answers."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from huggingchat_agent.serve.parameters import ANY, check_tokens, read_parameters
from huggingchat_agent.serve.pictures import decode_picture
from huggingchat_agent.serve.protocols import encode_event
from huggingchat_agent.serve.question import Message, Outcome, Picture, Question, Text, Thought

if TYPE_CHECKING:
    from huggingchat_agent.serve.refusals import Refusal


class _TextBlock(msgspec.Struct, tag="text", tag_field="type"):
    text: str


class _ThinkingBlock(msgspec.Struct, tag="thinking", tag_field="type"):
    thinking: str = ""


class _Source(msgspec.Struct):
    type: Literal["base64"]
    media_type: str
    data: str


class _ImageBlock(msgspec.Struct, tag="image", tag_field="type"):
    source: _Source


class _Message(msgspec.Struct):
    role: Literal["user", "assistant"]
    content: str | list[_TextBlock | _ThinkingBlock | _ImageBlock]


class _Request(msgspec.Struct):
    model: str
    messages: list[_Message]
    max_tokens: int
    system: str | list[_TextBlock] | None = None
    stop_sequences: list[str] = []
    stream: bool = False


_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "temperature": (1,),
    "top_p": (1,),
    "tools": ([],),
    "thinking": ({"type": "disabled"},),
    "service_tier": ("auto", "standard_only"),
    "metadata": (ANY,),
}


class Messages:
    """The API of Anthropic's clients."""

    path = "/v1/messages"

    def parse(self, body: Any, *, lenient: bool) -> Question:
        """The question in a request. Raises Refusal."""
        request, ignored = read_parameters(body, _Request, _NEUTRAL, lenient=lenient)
        check_tokens(request.max_tokens, "max_tokens")
        messages = []
        pictures = 0
        if request.system:
            messages.append(Message("system", _join(request.system)))
        for each in request.messages:
            found: list[Picture] = []
            for block in each.content if isinstance(each.content, list) else ():
                if isinstance(block, _ImageBlock):
                    pictures += 1
                    found.append(decode_picture(block.source.media_type, block.source.data, pictures))
            messages.append(Message(each.role, _join(each.content), tuple(found)))
        return Question(
            model=request.model,
            messages=tuple(messages),
            stream=request.stream,
            max_tokens=request.max_tokens,
            stop=tuple(request.stop_sequences),
            ignored=ignored,
        )

    def render(self, question: Question) -> _Rendering:
        """How to write the answer to it."""
        return _Rendering(question)

    def refuse(self, refusal: Refusal) -> dict[str, Any]:
        """The body of a refusal."""
        return refusal.to_anthropic()


def _join(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(each.text for each in content if isinstance(each, _TextBlock))


class _Rendering:
    """A stream is a list of blocks, each begun and ended: one for each run of thoughts or text."""

    def __init__(self, question: Question) -> None:
        self._id = f"msg_{uuid.uuid4().hex}"
        self._model = question.model
        self._block = -1
        self._open = ""  # the type of the block that is open

    def whole(self, outcome: Outcome) -> dict[str, Any]:
        content = []
        if outcome.reasoning:
            content.append({"type": "thinking", "thinking": outcome.reasoning, "signature": ""})
        content.append({"type": "text", "text": outcome.text})
        usage = {"input_tokens": outcome.prompt_tokens, "output_tokens": outcome.completion_tokens}
        return self._message(content) | _describe_end(outcome) | {"usage": usage | {"estimated": True}}

    def begin(self) -> bytes:
        usage = {"input_tokens": 0, "output_tokens": 0}
        message = self._message([]) | {"stop_reason": None, "stop_sequence": None, "usage": usage}
        return _encode("message_start", message=message)

    def add(self, piece: Text | Thought) -> bytes:
        kind = "text" if isinstance(piece, Text) else "thinking"
        head = b""
        if self._open != kind:
            head = self._end_block()
            self._block += 1
            self._open = kind
            block = {"type": kind, kind: ""} | ({"signature": ""} if kind == "thinking" else {})
            head += _encode("content_block_start", index=self._block, content_block=block)
        delta = {"type": f"{kind}_delta", kind: piece.text}
        return head + _encode("content_block_delta", index=self._block, delta=delta)

    def idle(self) -> bytes:
        return _encode("ping")

    def end(self, outcome: Outcome) -> bytes:
        usage = {"input_tokens": outcome.prompt_tokens, "output_tokens": outcome.completion_tokens}
        usage |= {"estimated": True}
        return (
            self._end_block()
            + _encode("message_delta", delta=_describe_end(outcome), usage=usage)
            + _encode("message_stop")
        )

    def fail(self, refusal: Refusal) -> bytes:
        return encode_event(msgspec.json.encode(refusal.to_anthropic()), "error")

    def _end_block(self) -> bytes:
        if not self._open:
            return b""
        self._open = ""
        return _encode("content_block_stop", index=self._block)

    def _message(self, content: list[Any]) -> dict[str, Any]:
        head = {"id": self._id, "type": "message", "role": "assistant", "model": self._model}
        return head | {"content": content}


def _describe_end(outcome: Outcome) -> dict[str, Any]:
    reason = "max_tokens" if outcome.finish == "length" else "end_turn"
    if outcome.stopped_by is not None:
        reason = "stop_sequence"
    return {"stop_reason": reason, "stop_sequence": outcome.stopped_by}


def _encode(name: str, **fields: Any) -> bytes:
    return encode_event(msgspec.json.encode({"type": name, **fields}), name)
