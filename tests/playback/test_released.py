"""Released tapes are readable for ever: whatever changes, these must load and tell the same."""

import asyncio
from pathlib import Path

import pytest

from huggingchat_agent import HuggingChat, events, replay
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


async def test_stream_that_was_resumed_is_resumed_in_the_same_way_and_at_once():
    async with HuggingChat(replay=TAPES / "v1-recovered.tape") as chat:
        conversation = await chat.new_conversation()
        async with asyncio.timeout(8):  # a stream that does not come is waited for longer
            reply = conversation.send("count 60 every 10")
            answer = await reply
    text = "".join(each.text for each in reply.events if each.name == "token")
    assert text.rstrip() == answer.text.rstrip()
    (recovered,) = (each for each in reply.events if isinstance(each, events.Recovered))
    assert recovered.means == "reattach"
    assert 0 <= recovered.seconds < 8


def test_every_version_has_released_tapes():
    versions = {int(path.name[1:].partition("-")[0]) for path in TAPES.glob("*.tape")}
    assert versions == set(range(1, tapes.VERSION + 1))
