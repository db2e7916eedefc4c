"""`/v1/chat/completions`: the shapes of its requests and answers."""

from __future__ import annotations

import time
import uuid
from typing import Any, Literal

import msgspec

from huggingchat_agent.serve.annotations import list_annotations
from huggingchat_agent.serve.parameters import ANY, check_tokens, read_parameters
from huggingchat_agent.serve.pictures import read_data_url
from huggingchat_agent.serve.protocols import encode_event
from huggingchat_agent.serve.question import Message, Outcome, Picture, Question, Text, Thought
from huggingchat_agent.serve.refusals import Refusal


class _TextPart(msgspec.Struct, tag="text", tag_field="type"):
    text: str


class _PictureAddress(msgspec.Struct):
    url: str
    detail: str = "auto"


class _PicturePart(msgspec.Struct, tag="image_url", tag_field="type"):
    image_url: _PictureAddress


class _Message(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[_TextPart | _PicturePart] | None = None
    tool_calls: list[Any] | None = None


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


# Values that change nothing here: what the app does anyway, or notes for the server's own books.
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "temperature": (1,),
    "top_p": (1,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "functions": ([],),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "service_tier": ("auto", "default"),
    "user": (ANY,),
    "metadata": (ANY,),
    "store": (ANY,),
    "safety_identifier": (ANY,),
    "prompt_cache_key": (ANY,),
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
        )

    def render(self, question: Question) -> _Rendering:
        """How to write the answer to it."""
        return _Rendering(question)

    def refuse(self, refusal: Refusal) -> dict[str, Any]:
        """The body of a refusal."""
        return refusal.to_openai()


def _read_messages(given: list[_Message]) -> tuple[Message, ...]:
    read = []
    pictures = 0
    for each in given:
        if each.tool_calls:
            raise Refusal(400, "Tool calls of the client are not supported.", param="messages")
        parts = each.content if isinstance(each.content, list) else []
        found: list[Picture] = []
        for part in parts:
            if isinstance(part, _PicturePart):
                pictures += 1
                found.append(read_data_url(part.image_url.url, pictures))
        text = each.content if isinstance(each.content, str) else None
        if text is None:
            text = "\n".join(part.text for part in parts if isinstance(part, _TextPart))
        role = "system" if each.role == "developer" else each.role
        read.append(Message(role, text, tuple(found)))
    return tuple(read)


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
        choice = {"index": 0, "message": message, "finish_reason": outcome.finish, "logprobs": None}
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
        parts = [self._chunk({"annotations": noted} if noted else {}, finish=outcome.finish)]
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


def _count(outcome: Outcome) -> dict[str, Any]:
    """The usage. The app gives no numbers, so they are estimates, and say so."""
    asked, answered = outcome.prompt_tokens, outcome.completion_tokens
    total = asked + answered
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": total,
        "estimated": True,
    }
