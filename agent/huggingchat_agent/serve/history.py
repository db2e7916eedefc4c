"""Collects the messages of a request: each result of a tool finds its call, each picture has a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from huggingchat_agent.serve.question import Message
from huggingchat_agent.serve.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggingchat_agent.serve.question import Picture
    from huggingchat_agent.serve.tool_format import ToolCall


class History:
    """Messages so far, oldest first."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._calls: dict[str, ToolCall] = {}
        self._pictures = 0

    @property
    def messages(self) -> tuple[Message, ...]:
        """All of them."""
        return tuple(self._messages)

    def count_picture(self) -> int:
        """The number of the next picture, from 1."""
        self._pictures += 1
        return self._pictures

    def add(
        self,
        role: Literal["system", "user", "assistant"],
        text: str,
        pictures: Sequence[Picture] = (),
        calls: Sequence[ToolCall] = (),
    ) -> None:
        """Add a message."""
        self._calls |= {each.id: each for each in calls}
        self._messages.append(Message(role, text, tuple(pictures), tuple(calls)))

    def add_call(self, call: ToolCall) -> None:
        """Add a call, which belongs to the answer before it."""
        last = self._messages.pop() if self._messages and self._messages[-1].role == "assistant" else None
        before = last or Message("assistant", "")
        self.add("assistant", before.text, before.pictures, (*before.calls, call))

    def add_result(self, call_id: str, text: str, pictures: Sequence[Picture] = ()) -> None:
        """Add what a tool answered. Raises Refusal if nothing called it."""
        call = self._calls.get(call_id)
        if call is None:
            raise Refusal(
                400, f"No earlier message has a call with the id {call_id[:80]!r}.", param="messages"
            )
        self._messages.append(Message("tool", text, tuple(pictures), result_of=call))
