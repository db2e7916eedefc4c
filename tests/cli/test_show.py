from typing import Any

import msgspec
import pytest

from huggingchat_agent import agent_events, events
from huggingchat_agent.agent_events import describe
from huggingchat_agent.cli import show
from huggingchat_agent.emitter import Emitter


@pytest.mark.parametrize(
    ("reason", "running", "words"),
    [
        ("connections", 1, "1 answer is running"),
        ("connections", 3, "3 answers are running"),
        ("run", 0, "the conversation is still being answered"),
        ("stop", 0, "an answer is still being stopped"),
    ],
)
def test_wait_says_for_what(reason, running, words):
    event = events.Queued(conversation_id="c", reason=reason, running=running)
    assert describe(event) == f"Waiting: {words}."


@pytest.mark.parametrize("kind", events.every(events.AgentEvent), ids=lambda each: each.name)
def test_each_event_of_the_agent_is_a_line_for_a_person(kind):
    texts = {str: "why", int: 3, float: 1.5}
    fields = {each.name: texts.get(each.type, "new") for each in msgspec.structs.fields(kind)}
    assert "why" in (words := describe(kind(**fields))) or "3" in words
    assert describe(events.Recycled(what="browser", reason="turns", turns=9, seconds=1.2)) == (
        "The browser was replaced after 9 messages, which took 1.2 s."
    )


async def test_doors_that_show_no_events_of_the_agent_log_them(caplog):
    reply = Emitter()
    agent_events.log_events(reply)
    with caplog.at_level("INFO", "huggingchat_agent"):
        reply.emit(events.Retrying(conversation_id="c", request="GET /", attempt=2, delay=1.0, reason="502"))
    assert [each.message for each in caplog.records] == ["Trying again: 502"]


PLACE: dict[str, Any] = {"conversation_id": "c", "turn": 1, "seq": 1, "at": 0.0}


def test_question_of_a_tool_and_how_it_was_settled_are_lines_of_their_own(monkeypatch):
    lines: list[str] = []
    monkeypatch.setattr(show, "note", lines.append)
    screen = show.Screen()
    asked: dict[str, Any] = {"elicitation_id": "e", "server": "Mock", "message": "Allow it there."}
    screen.show(
        events.ElicitationRequested(**PLACE, **asked, mode="url", url="https://mcp.example.org/allow")
    )
    screen.show(events.ElicitationRequested(**PLACE, **asked, mode="form"))
    screen.show(
        events.ElicitationResolved(**PLACE, elicitation_id="e", action="cancel", resolution="expired")
    )
    assert lines == [
        "Mock asks: Allow it there. https://mcp.example.org/allow",
        "Mock asks: Allow it there.",
        "The question is closed: cancel (expired)",
    ]
