"""Writes an answer for `/v1/responses`: a list of items. In a stream each item begins and ends."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.serve.annotations import list_annotations
from huggingchat_agent.serve.protocols import encode_event
from huggingchat_agent.serve.question import Text

if TYPE_CHECKING:
    from huggingchat_agent.serve.question import Outcome, Question, Thought
    from huggingchat_agent.serve.refusals import Refusal
    from huggingchat_agent.serve.tool_format import ToolCall


class Rendering:
    """One answer. A run of thoughts, the text, and each call is an item."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._id = f"resp_{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._sequence = 0
        self._items: list[dict[str, Any]] = []  # those that have ended
        self._open = ""  # the type of the item that has not ended
        self._open_id = ""
        self._text = ""  # of that item

    def whole(self, outcome: Outcome) -> dict[str, Any]:
        items = []
        if outcome.reasoning:
            items.append(_write_reasoning(_make_id("rs"), outcome.reasoning))
        if outcome.text or not outcome.calls:
            noted = list_annotations(outcome, flat=True)
            items.append(_write_message(_make_id("msg"), outcome.text, noted))
        items += [_write_call(each) for each in outcome.calls]
        return self._describe(items, outcome)

    def begin(self) -> bytes:
        response = self._describe([])
        return self._encode("response.created", response=response) + self._encode(
            "response.in_progress", response=response
        )

    def add(self, piece: Text | Thought) -> bytes:
        kind = "message" if isinstance(piece, Text) else "reasoning"
        head = b"" if self._open == kind else self._end_item() + self._begin_item(kind)
        self._text += piece.text
        if kind == "reasoning":
            return head + self._encode_part("response.reasoning_text.delta", delta=piece.text)
        return head + self._encode_part("response.output_text.delta", delta=piece.text, logprobs=[])

    def idle(self) -> bytes:
        return self._encode("response.in_progress", response=self._describe([]))

    def end(self, outcome: Outcome) -> bytes:
        parts = []
        if self._open != "message" and not outcome.calls:
            parts += [self._end_item(), self._begin_item("message")]  # an answer without a text
        parts.append(self._end_item(list_annotations(outcome, flat=True)))
        parts += [self._add_call(each) for each in outcome.calls]
        name = "response.incomplete" if outcome.finish == "length" else "response.completed"
        parts.append(self._encode(name, response=self._describe(self._items, outcome)))
        return b"".join(parts)

    def fail(self, refusal: Refusal) -> bytes:
        fields = {"code": refusal.code, "message": refusal.message, "param": refusal.param}
        return self._encode("error", **fields)

    def _begin_item(self, kind: str) -> bytes:
        self._open, self._text = kind, ""
        self._open_id = _make_id("msg" if kind == "message" else "rs")
        item = _write_message(self._open_id, "") if kind == "message" else _write_reasoning(self._open_id, "")
        item |= {"content": [], "status": "in_progress"}
        head = self._encode("response.output_item.added", output_index=len(self._items), item=item)
        if kind == "message":
            head += self._encode_part("response.content_part.added", part=_write_text(""))
        return head

    def _end_item(self, noted: list[dict[str, Any]] | None = None) -> bytes:
        if not self._open:
            return b""
        kind, self._open = self._open, ""
        if kind == "message":
            item = _write_message(self._open_id, self._text, noted)
            parts = [
                *(
                    self._encode_part(
                        "response.output_text.annotation.added", annotation=each, annotation_index=number
                    )
                    for number, each in enumerate(noted or ())
                ),
                self._encode_part("response.output_text.done", text=self._text, logprobs=[]),
                self._encode_part("response.content_part.done", part=item["content"][0]),
            ]
        else:
            item = _write_reasoning(self._open_id, self._text)
            parts = [self._encode_part("response.reasoning_text.done", text=self._text)]
        return b"".join(parts) + self._add_item(item)

    def _add_call(self, call: ToolCall) -> bytes:
        item, place = _write_call(call), len(self._items)
        begun = item | {"arguments": "", "status": "in_progress"}
        where = {"item_id": item["id"], "output_index": place}
        delta, done = "response.function_call_arguments.delta", "response.function_call_arguments.done"
        return (
            self._encode("response.output_item.added", output_index=place, item=begun)
            + self._encode(delta, delta=call.arguments, **where)
            + self._encode(done, arguments=call.arguments, name=call.name, **where)
            + self._add_item(item)
        )

    def _add_item(self, item: dict[str, Any]) -> bytes:
        self._items.append(item)
        return self._encode("response.output_item.done", output_index=len(self._items) - 1, item=item)

    def _encode_part(self, kind: str, **fields: Any) -> bytes:
        where = {"item_id": self._open_id, "output_index": len(self._items), "content_index": 0}
        return self._encode(kind, **where, **fields)

    def _encode(self, kind: str, **fields: Any) -> bytes:
        number, self._sequence = self._sequence, self._sequence + 1
        event = {"type": kind, "sequence_number": number, **fields}
        return encode_event(msgspec.json.encode(event), kind)

    def _describe(self, items: list[dict[str, Any]], outcome: Outcome | None = None) -> dict[str, Any]:
        """The response so far; complete with an outcome."""
        asked = self._question
        cut = outcome is not None and outcome.finish == "length"
        status = "in_progress" if outcome is None else "incomplete" if cut else "completed"
        choice: Any = {None: "auto", "": "required"}.get(asked.must_call)
        if choice is None:
            choice = {"type": "function", "name": asked.must_call}
        form: dict[str, Any] = {"type": "text"}
        if asked.form is not None:
            form = {"type": "json_object"}
            if asked.form.schema is not None:
                form = {"type": "json_schema", "name": "answer", "schema": asked.form.schema}
        tools = [
            {"name": each.name, "description": each.description, "parameters": each.parameters}
            for each in asked.tools
        ]
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "instructions": None,
            "metadata": {},
            "model": asked.model if outcome is None else outcome.model,
            "output": items,
            "parallel_tool_calls": not asked.one_call,
            "previous_response_id": None,
            "max_output_tokens": asked.max_tokens,
            "temperature": 1,
            "top_p": 1,
            "truncation": "disabled",
            "text": {"format": form},
            "tools": [{"type": "function", "strict": False, **each} for each in tools],
            "tool_choice": choice if asked.may_call else "none",
            "usage": None if outcome is None else _count(outcome),
        }


def _make_id(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex}"


def _write_text(text: str, noted: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": noted or [], "logprobs": []}


def _write_message(item_id: str, text: str, noted: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    content = [_write_text(text, noted)]
    return {"type": "message", "id": item_id, "role": "assistant", "status": "completed", "content": content}


def _write_reasoning(item_id: str, text: str) -> dict[str, Any]:
    content = [{"type": "reasoning_text", "text": text}]
    return {"type": "reasoning", "id": item_id, "status": "completed", "summary": [], "content": content}


def _write_call(call: ToolCall) -> dict[str, Any]:
    head = {"type": "function_call", "id": f"fc_{call.id.removeprefix('call_')}", "call_id": call.id}
    return head | {"status": "completed", "name": call.name, "arguments": call.arguments}


def _count(outcome: Outcome) -> dict[str, Any]:
    """The usage. The app gives no numbers, so they are estimates, and say so."""
    asked, answered = outcome.prompt_tokens, outcome.completion_tokens
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": answered,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": asked + answered,
        "estimated": True,
    }
