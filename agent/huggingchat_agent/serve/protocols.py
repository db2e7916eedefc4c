"""The interface between the routes and the modules of the APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from huggingchat_agent.serve.question import Outcome, Question, Text, Thought
    from huggingchat_agent.serve.refusals import Refusal


class Rendering(Protocol):
    """One answer in the shape of an API. The parts of a stream are bytes that are ready to be sent."""

    def whole(self, outcome: Outcome) -> dict[str, Any]:
        """The body of an answer that is not streamed."""

    def begin(self) -> bytes:
        """The beginning of the stream."""

    def add(self, piece: Text | Thought) -> bytes:
        """A piece of the answer."""

    def idle(self) -> bytes:
        """A part that keeps the connection alive while the model thinks."""

    def end(self, outcome: Outcome) -> bytes:
        """The end of the stream."""

    def fail(self, refusal: Refusal) -> bytes:
        """The end of a stream that broke off."""


class Api(Protocol):
    """An API: how its requests are read and its answers written."""

    path: str

    def parse(self, body: Any, *, lenient: bool) -> Question:
        """The question in a request. Raises Refusal."""

    def render(self, question: Question) -> Rendering:
        """How to write the answer to it."""

    def refuse(self, refusal: Refusal) -> dict[str, Any]:
        """The body of a refusal."""


def encode_event(data: bytes, name: str = "") -> bytes:
    """One event of a text/event-stream."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + data + b"\n\n"
