"""`/v1/chat/completions`: the shapes of its requests and answers."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from huggingchat_agent.serve.annotations import list_annotations
from huggingchat_agent.serve.history import History
from huggingchat_agent.serve.parameters import (
    OF_OPENAI,
    check_tokens,
    make_form,
    offer_tools,
    read_parameters,
)
from huggingchat_agent.serve.pictures import read_picture
from huggingchat_agent.serve.protocols import encode_event
from huggingchat_agent.serve.question import Message, Outcome, Question, Text, Thought
from huggingchat_agent.serve.tool_format import ToolCall

if TYPE_CHECKING:
    from huggingchat_agent.serve.refusals import Refusal
    from huggingchat_agent.structured import Form


class _TextPart(msgspec.Struct, tag="text", tag_field="type"):
    text: str


class _PictureAddress(msgspec.Struct):
    url: str
    detail: str = "auto"


class _PicturePart(msgspec.Struct, tag="image_url", tag_field="type"):
    image_url: _PictureAddress


class _Called(msgspec.Struct):
    name: str
    arguments: str = "{}"


class _Call(msgspec.Struct):
    id: str
    function: _Called
    type: Literal["function"] = "function"


class _Message(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[_TextPart | _PicturePart] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str = ""


class _Function(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _Tool(msgspec.Struct):
    type: Literal["function"]
    function: _Function


class _Chosen(msgspec.Struct):
    type: Literal["function"]
    function: _Called


class _Schema(msgspec.Struct):
    schema: dict[str, Any] | None = None


class _Format(msgspec.Struct):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _Schema | None = None


class _StreamOptions(msgspec.Struct):
    include_usage: bool = False


class _Request(msgspec.Struct):
    model: str
    messages: list[_Message]
    stream: bool = False
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    tools: list[_Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | _Chosen | None = None
    parallel_tool_calls: bool = True
    response_format: _Format | None = None


# Values that change nothing here: what the app does anyway, or notes for the server's own books.
_NEUTRAL = OF_OPENAI | {
    "n": (1,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "functions": ([],),
    "modalities": (["text"],),
}


class ChatCompletions:
    """The API of OpenAI that most clients speak."""

    path = "/v1/chat/completions"

    def parse(self, body: Any, *, lenient: bool) -> Question:
        """The question in a request. Raises Refusal."""
        request, ignored = read_parameters(body, _Request, _NEUTRAL, lenient=lenient)
        check_tokens(request.max_tokens, "max_tokens")
        check_tokens(request.max_completion_tokens, "max_completion_tokens")
        limits = [each for each in (request.max_tokens, request.max_completion_tokens) if each is not None]
        stop = [request.stop] if isinstance(request.stop, str) else request.stop or ()
        return Question(
            model=request.model,
            messages=_read_messages(request.messages),
            stream=request.stream,
            include_usage=request.stream_options is not None and request.stream_options.include_usage,
            max_tokens=min(limits, default=None),
            stop=tuple(stop),
            ignored=ignored,
            form=_read_format(request.response_format),
            **_read_tools(request),
        )

    def render(self, question: Question) -> _Rendering:
        """How to write the answer to it."""
        return _Rendering(question)

    def refuse(self, refusal: Refusal) -> dict[str, Any]:
        """The body of a refusal."""
        return refusal.to_openai()


def _read_format(given: _Format | None) -> Form | None:
    if given is None or given.type == "text":
        return None
    return make_form(given.json_schema and given.json_schema.schema, needs_schema=given.type == "json_schema")


def _read_tools(request: _Request) -> dict[str, Any]:
    given, choice = [each.function for each in request.tools or ()], request.tool_choice
    must: str | None = "" if choice == "required" else None
    if isinstance(choice, _Chosen):
        must = choice.function.name
    return offer_tools(
        [(each.name, each.description or "", each.parameters) for each in given],
        may_call=choice != "none",
        must_call=must,
        one_call=not request.parallel_tool_calls,
    )


def _read_messages(given: list[_Message]) -> tuple[Message, ...]:
    history = History()
    for each in given:
        parts = each.content if isinstance(each.content, list) else []
        text = each.content if isinstance(each.content, str) else None
        if text is None:
            text = "\n".join(part.text for part in parts if isinstance(part, _TextPart))
        pictures = [part.image_url.url for part in parts if isinstance(part, _PicturePart)]
        found = [read_picture(url, history.count_picture()) for url in pictures]
        calls = [
            ToolCall(call.id, call.function.name, call.function.arguments) for call in each.tool_calls or ()
        ]
        if each.role == "tool":
            history.add_result(each.tool_call_id, text, found)
        else:
            history.add("system" if each.role == "developer" else each.role, text, found, calls)
    return history.messages


class _Rendering:
    def __init__(self, question: Question) -> None:
        self._question = question
        self._head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time())}
        self._model = question.model

    def whole(self, outcome: Outcome) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": outcome.text, "refusal": None}
        if outcome.reasoning:
            message["reasoning_content"] = outcome.reasoning
        if noted := list_annotations(outcome):
            message["annotations"] = noted
        if outcome.calls:
            message |= {"content": outcome.text or None, "tool_calls": list(map(_write_call, outcome.calls))}
        choice = {"index": 0, "message": message, "finish_reason": _describe_end(outcome), "logprobs": None}
        body = {"object": "chat.completion", **self._head, "model": outcome.model, "choices": [choice]}
        return body | {"usage": _count(outcome)}

    def begin(self) -> bytes:
        return self._chunk({"role": "assistant", "content": ""})

    def add(self, piece: Text | Thought) -> bytes:
        name = "content" if isinstance(piece, Text) else "reasoning_content"
        return self._chunk({name: piece.text})

    def idle(self) -> bytes:
        return self._chunk({})

    def end(self, outcome: Outcome) -> bytes:
        noted = list_annotations(outcome)
        calls = [{"index": number, **_write_call(each)} for number, each in enumerate(outcome.calls)]
        parts = [self._chunk({"tool_calls": calls})] if calls else []
        parts.append(self._chunk({"annotations": noted} if noted else {}, finish=_describe_end(outcome)))
        if self._question.include_usage:
            parts.append(self._encode([], usage=_count(outcome)))
        return b"".join([*parts, encode_event(b"[DONE]")])

    def fail(self, refusal: Refusal) -> bytes:
        return encode_event(msgspec.json.encode(refusal.to_openai()))

    def _chunk(self, delta: dict[str, Any], *, finish: str | None = None) -> bytes:
        return self._encode([{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}])

    def _encode(self, choices: list[Any], **more: Any) -> bytes:
        if self._question.include_usage:
            more.setdefault("usage", None)
        chunk = {"object": "chat.completion.chunk", **self._head, "model": self._model, "choices": choices}
        return encode_event(msgspec.json.encode(chunk | more))


def _write_call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _describe_end(outcome: Outcome) -> str:
    return "tool_calls" if outcome.calls and outcome.finish == "stop" else outcome.finish


def _count(outcome: Outcome) -> dict[str, Any]:
    """The usage. The app gives no numbers, so they are estimates, and say so."""
    asked, answered = outcome.prompt_tokens, outcome.completion_tokens
    total = asked + answered
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": total, "estimated": True}
