"""Released tapes are readable for ever: whatever changes, these must load and tell the same."""

from pathlib import Path

import pytest

from huggingchat_agent import events, replay
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.reader import Tape

TAPES = Path(__file__).parents[2] / "fixtures" / "tapes"


@pytest.mark.parametrize("path", sorted(TAPES.glob("*.tape")), ids=lambda path: path.name)
def test_released_tape_loads(path):
    recording = Tape(path).load()
    assert recording.complete and recording.trouble is None
    assert f"v{recording.header.tape}-" in path.name
    assert sum(isinstance(each, tapes.Event) for each in recording.records) > 20


@pytest.mark.parametrize("path", sorted(TAPES.glob("*.tape")), ids=lambda path: path.name)
async def test_released_tape_plays_as_it_was_recorded(path):
    recorded = [each.event for each in Tape(path).load().records if isinstance(each, tapes.Event)]
    then = [
        (each["event"], each["turn"], each["seq"], each.get("text"), each["conversation_id"])
        for each in recorded
        if "seq" in each
    ]
    played = [event async for event in replay(path, speed=0) if isinstance(event, events.TurnEvent)]
    now = [
        (each.name, each.turn, each.seq, getattr(each, "text", None), each.conversation_id) for each in played
    ]
    assert now == then


def test_every_version_has_released_tapes():
    versions = {int(path.name[1:].partition("-")[0]) for path in TAPES.glob("*.tape")}
    assert versions == set(range(1, tapes.VERSION + 1))
