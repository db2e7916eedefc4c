"""`/v1/responses`: the shapes of its requests and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from huggingchat_agent.serve.history import History
from huggingchat_agent.serve.parameters import (
    OF_OPENAI,
    check_tokens,
    make_form,
    offer_tools,
    read_parameters,
)
from huggingchat_agent.serve.pictures import read_picture
from huggingchat_agent.serve.question import Question
from huggingchat_agent.serve.response_stream import Rendering
from huggingchat_agent.serve.tool_format import ToolCall

if TYPE_CHECKING:
    from huggingchat_agent.serve.question import Picture
    from huggingchat_agent.serve.refusals import Refusal
    from huggingchat_agent.structured import Form


class _InputText(msgspec.Struct, tag="input_text", tag_field="type"):
    text: str


class _OutputText(msgspec.Struct, tag="output_text", tag_field="type"):
    text: str


class _InputImage(msgspec.Struct, tag="input_image", tag_field="type"):
    image_url: str


_Content = str | list[_InputText | _OutputText | _InputImage]


class _Message(msgspec.Struct, tag="message", tag_field="type"):
    role: Literal["system", "developer", "user", "assistant"]
    content: _Content


class _Called(msgspec.Struct, tag="function_call", tag_field="type"):
    call_id: str
    name: str
    arguments: str = "{}"


class _Result(msgspec.Struct, tag="function_call_output", tag_field="type"):
    call_id: str
    output: _Content


class _Reasoning(msgspec.Struct, tag="reasoning", tag_field="type"):
    """Earlier reasoning. The model does not read it again."""


class _Tool(msgspec.Struct):
    type: Literal["function"]
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _Chosen(msgspec.Struct):
    type: Literal["function"]
    name: str


class _Format(msgspec.Struct):
    type: Literal["text", "json_object", "json_schema"] = "text"
    schema: dict[str, Any] | None = None


class _TextOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: _Format | None = None
    verbosity: Literal["medium"] | None = None


class _Request(msgspec.Struct):
    model: str
    input: str | list[_Message | _Called | _Result | _Reasoning]
    instructions: str | None = None
    stream: bool = False
    max_output_tokens: int | None = None
    tools: list[_Tool] = []
    tool_choice: Literal["none", "auto", "required"] | _Chosen | None = None
    parallel_tool_calls: bool = True
    text: _TextOptions = _TextOptions()


_NEUTRAL = OF_OPENAI | {
    "background": (False,),
    "include": ([],),
    "reasoning": ({},),
    "truncation": ("disabled",),
    "stream_options": ({}, {"include_obfuscation": False}),
}


class Responses:
    """OpenAI's newer API, without what it keeps on a server: a request carries its whole history."""

    path = "/v1/responses"

    def parse(self, body: Any, *, lenient: bool) -> Question:
        """The question in a request. Raises Refusal."""
        if isinstance(body, dict) and isinstance(body.get("input"), list):
            body = body | {"input": [_add_type(each) for each in body["input"]]}
        request, ignored = read_parameters(body, _Request, _NEUTRAL, lenient=lenient)
        check_tokens(request.max_output_tokens, "max_output_tokens")
        history, choice = History(), request.tool_choice
        if request.instructions:
            history.add("system", request.instructions)
        items = [_Message("user", request.input)] if isinstance(request.input, str) else request.input
        for each in items:
            _read_item(each, history)
        must: str | None = "" if choice == "required" else None
        if isinstance(choice, _Chosen):
            must = choice.name
        return Question(
            model=request.model,
            messages=history.messages,
            stream=request.stream,
            max_tokens=request.max_output_tokens,
            ignored=ignored,
            form=_read_format(request.text.format),
            **offer_tools(
                [(each.name, each.description or "", each.parameters) for each in request.tools],
                may_call=choice != "none",
                must_call=must,
                one_call=not request.parallel_tool_calls,
            ),
        )

    def render(self, question: Question) -> Rendering:
        """How to write the answer to it."""
        return Rendering(question)

    def refuse(self, refusal: Refusal) -> dict[str, Any]:
        """The body of a refusal."""
        return refusal.to_openai()


def _add_type(item: Any) -> Any:
    """A message may leave its type out."""
    return {"type": "message"} | item if isinstance(item, dict) else item


def _read_format(given: _Format | None) -> Form | None:
    if given is None or given.type == "text":
        return None
    return make_form(given.schema, needs_schema=given.type == "json_schema")


def _read_item(item: _Message | _Called | _Result | _Reasoning, history: History) -> None:
    match item:
        case _Message():
            role = "system" if item.role == "developer" else item.role
            history.add(role, _join(item.content), _read_pictures(item.content, history))
        case _Called():
            history.add_call(ToolCall(item.call_id, item.name, item.arguments))
        case _Result():
            pictures = _read_pictures(item.output, history)
            history.add_result(item.call_id, _join(item.output), pictures)


def _join(content: _Content) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(each.text for each in content if not isinstance(each, _InputImage))


def _read_pictures(content: _Content, history: History) -> list[Picture]:
    if isinstance(content, str):
        return []
    urls = [each.image_url for each in content if isinstance(each, _InputImage)]
    return [read_picture(url, history.count_picture()) for url in urls]
