"""`/v1/messages`, Anthropic's API: the shapes of its requests and answers."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from huggingchat_agent.serve.history import History
from huggingchat_agent.serve.parameters import ANY, check_tokens, make_form, offer_tools, read_parameters
from huggingchat_agent.serve.pictures import decode_picture, read_picture
from huggingchat_agent.serve.protocols import encode_event
from huggingchat_agent.serve.question import Outcome, Picture, Question, Text, Thought
from huggingchat_agent.serve.tool_format import ToolCall
from huggingchat_agent.structured import write_json

if TYPE_CHECKING:
    from huggingchat_agent.serve.refusals import Refusal


class _TextBlock(msgspec.Struct, tag="text", tag_field="type"):
    text: str


class _ThinkingBlock(msgspec.Struct, tag="thinking", tag_field="type"):
    thinking: str = ""


class _Data(msgspec.Struct, tag="base64", tag_field="type"):
    media_type: str
    data: str


class _Address(msgspec.Struct, tag="url", tag_field="type"):
    url: str


class _ImageBlock(msgspec.Struct, tag="image", tag_field="type"):
    source: _Data | _Address


class _CallBlock(msgspec.Struct, tag="tool_use", tag_field="type"):
    id: str
    name: str
    input: dict[str, Any] = {}


class _ResultBlock(msgspec.Struct, tag="tool_result", tag_field="type"):
    tool_use_id: str
    content: str | list[_TextBlock | _ImageBlock] = ""
    is_error: bool = False


class _Message(msgspec.Struct):
    role: Literal["user", "assistant"]
    content: str | list[_TextBlock | _ThinkingBlock | _ImageBlock | _CallBlock | _ResultBlock]


class _Tool(msgspec.Struct):
    name: str
    input_schema: dict[str, Any]
    description: str = ""
    type: Literal["custom"] | None = None


class _Choice(msgspec.Struct, frozen=True):
    type: Literal["auto", "any", "tool", "none"]
    name: str = ""
    disable_parallel_tool_use: bool = False


class _Format(msgspec.Struct, frozen=True):
    type: Literal["json_schema"]
    schema: dict[str, Any]


class _Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: _Format | None = None


class _Request(msgspec.Struct):
    model: str
    messages: list[_Message]
    max_tokens: int
    system: str | list[_TextBlock] | None = None
    stop_sequences: list[str] = []
    stream: bool = False
    tools: list[_Tool] = []
    tool_choice: _Choice = _Choice("auto")
    output_config: _Output = _Output()


_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "temperature": (1,),
    "top_p": (1,),
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
        history = History()
        if request.system:
            history.add("system", _join(request.system))
        for each in request.messages:
            _read_message(each, history)
        form, choice = request.output_config.format, request.tool_choice
        return Question(
            model=request.model,
            messages=history.messages,
            stream=request.stream,
            max_tokens=request.max_tokens,
            stop=tuple(request.stop_sequences),
            ignored=ignored,
            form=None if form is None else make_form(form.schema, needs_schema=True),
            **offer_tools(
                [(each.name, each.description, each.input_schema) for each in request.tools],
                may_call=choice.type != "none",
                must_call={"any": "", "tool": choice.name}.get(choice.type),
                one_call=choice.disable_parallel_tool_use,
            ),
        )

    def render(self, question: Question) -> _Rendering:
        """How to write the answer to it."""
        return _Rendering(question)

    def refuse(self, refusal: Refusal) -> dict[str, Any]:
        """The body of a refusal."""
        return refusal.to_anthropic()


def _read_message(given: _Message, history: History) -> None:
    """Add a message. Results of tools come first in it, and are messages of their own."""
    blocks = given.content if isinstance(given.content, list) else []
    for block in blocks:
        if isinstance(block, _ResultBlock):
            text = f"Error: {_join(block.content)}" if block.is_error else _join(block.content)
            history.add_result(block.tool_use_id, text, _read_pictures(block.content, history))
    calls = [
        ToolCall(each.id, each.name, write_json(each.input))
        for each in blocks
        if isinstance(each, _CallBlock)
    ]
    text, pictures = _join(given.content), _read_pictures(given.content, history)
    if text or pictures or calls or not any(isinstance(each, _ResultBlock) for each in blocks):
        history.add(given.role, text, pictures, calls)


def _read_pictures(content: Any, history: History) -> list[Picture]:
    sources = [
        each.source
        for each in (content if isinstance(content, list) else ())
        if isinstance(each, _ImageBlock)
    ]
    return [
        decode_picture(each.media_type, each.data, history.count_picture())
        if isinstance(each, _Data)
        else read_picture(each.url, history.count_picture())
        for each in sources
    ]


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
        content: list[dict[str, Any]] = []
        if outcome.reasoning:
            content.append({"type": "thinking", "thinking": outcome.reasoning, "signature": ""})
        if outcome.text or not outcome.calls:
            content.append({"type": "text", "text": outcome.text})
        for each in outcome.calls:
            content.append(_write_call(each) | {"input": json.loads(each.arguments)})
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
            block = {"type": kind, kind: ""} | ({"signature": ""} if kind == "thinking" else {})
            head = self._begin_block(kind, block)
        delta = {"type": f"{kind}_delta", kind: piece.text}
        return head + _encode("content_block_delta", index=self._block, delta=delta)

    def idle(self) -> bytes:
        return _encode("ping")

    def end(self, outcome: Outcome) -> bytes:
        usage = {"input_tokens": outcome.prompt_tokens, "output_tokens": outcome.completion_tokens}
        usage |= {"estimated": True}
        calls = b"".join(map(self._add_call, outcome.calls))
        return (
            calls
            + self._end_block()
            + _encode("message_delta", delta=_describe_end(outcome), usage=usage)
            + _encode("message_stop")
        )

    def fail(self, refusal: Refusal) -> bytes:
        return encode_event(msgspec.json.encode(refusal.to_anthropic()), "error")

    def _add_call(self, call: ToolCall) -> bytes:
        head = self._begin_block("tool_use", _write_call(call))
        delta = {"type": "input_json_delta", "partial_json": call.arguments}
        return head + _encode("content_block_delta", index=self._block, delta=delta)

    def _begin_block(self, kind: str, block: dict[str, Any]) -> bytes:
        head = self._end_block()
        self._block += 1
        self._open = kind
        return head + _encode("content_block_start", index=self._block, content_block=block)

    def _end_block(self) -> bytes:
        if not self._open:
            return b""
        self._open = ""
        return _encode("content_block_stop", index=self._block)

    def _message(self, content: list[Any]) -> dict[str, Any]:
        head = {"id": self._id, "type": "message", "role": "assistant", "model": self._model}
        return head | {"content": content}


def _write_call(call: ToolCall) -> dict[str, Any]:
    """A block without the arguments: a stream sends them as deltas."""
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}


def _describe_end(outcome: Outcome) -> dict[str, Any]:
    reason = "max_tokens" if outcome.finish == "length" else "tool_use" if outcome.calls else "end_turn"
    if outcome.stopped_by is not None:
        reason = "stop_sequence"
    return {"stop_reason": reason, "stop_sequence": outcome.stopped_by}


def _encode(name: str, **fields: Any) -> bytes:
    return encode_event(msgspec.json.encode({"type": name, **fields}), name)
