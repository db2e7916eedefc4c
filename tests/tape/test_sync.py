"""A tape played by code without async."""

from pathlib import Path

from huggingchat_agent import events, sync

TAPE = Path(__file__).parents[2] / "fixtures" / "tapes" / "v1-conversation.tape"


def test_sync_replay_gives_events_in_order_and_calls_handlers():
    played = sync.replay(TAPE, speed=0)
    texts: list[str] = []
    seen: list[object] = []
    played.on("token", lambda event: texts.append(event.text))
    played.on("exchange", seen.append)
    told = list(played)
    assert [each.text for each in told if isinstance(each, events.Token)] == texts
    assert "".join(texts).startswith("You said: hello there")
    assert isinstance(told[-1], events.Finished) and played.complete and len(seen) > 20


def test_sync_replay_can_be_left_early():
    for event in sync.replay(TAPE, speed=20):
        assert isinstance(event, events.Started)
        break
