"""A tape played without a browser tells what the session told."""

import asyncio
import gzip

import msgspec
import pytest

from huggingchat_agent import events, replay
from huggingchat_agent.errors import TapeCorrupt, UsageError
from huggingchat_agent.events import to_json
from huggingchat_agent.exchange import Chunk
from huggingchat_agent.playback import faults
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.tape.summary import summarize
from tests.tape.unpack import read_lines

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


def strip_event(each):
    """An event without its moments, which are of another clock."""
    raw = msgspec.json.decode(to_json(each))
    raw.pop("at", None)
    if raw.get("answer"):
        raw["answer"].pop("timing")
    return raw


async def test_replay_gives_the_same_events_texts_and_ids_in_order(recorded):
    path, seen, _ = recorded
    played = [event async for event in replay(path, speed=0)]
    names = {each.name for each in seen}
    assert [strip_event(each) for each in played if each.name in names] == [
        strip_event(each) for each in seen
    ]


async def test_replay_calls_handlers_and_shows_the_exchanges(recorded):
    path, _, answers = recorded
    again = replay(path, speed=0)
    tokens: list[str] = []
    received = []
    again.on("token", lambda event: tokens.append(event.text))
    again.on("exchange", lambda event: received.append(event.exchange))
    done = []
    again.on("answer", lambda event: done.append(event.answer))
    await again.run()
    assert "".join(tokens) == "".join(answer.text for answer in answers)
    assert [(each.message_id, each.user_message_id, each.text) for each in done] == [
        (each.message_id, each.user_message_id, each.text) for each in answers
    ]
    assert again.complete and any(isinstance(each, Chunk) for each in received)


async def test_replay_keeps_the_time_between_events(recorded):
    path, seen, _ = recorded
    fast = [event.at async for event in replay(path, speed=0) if isinstance(event, events.Token)]
    then = [event.at for event in seen if isinstance(event, events.Token)]
    assert [round(at - fast[0], 3) for at in fast] == pytest.approx([at - then[0] for at in then], abs=0.002)


async def test_replay_at_once_waits_for_no_clock(recorded, monkeypatch):
    path, _, _ = recorded
    for name in ("turn.turn.REFETCH_PATIENCE", "turn.stored.READ_PAUSE", "playback.player._PATIENCE"):
        monkeypatch.setattr(f"huggingchat_agent.{name}", 3600.0)
    async with asyncio.timeout(60):
        played = [event async for event in replay(path, speed=0)]
    assert [event.name for event in played].count("finished") == 3


async def test_turn_that_its_page_did_not_read_waits_for_no_clock(recorded, tmp_path, monkeypatch):
    path, _, _ = recorded
    header, *records = read_lines(path)
    names = [each["event"]["event"] if each["type"] == "event" else "" for each in records]
    finished = [n for n, name in enumerate(names) if name == "finished"]
    reads = {each["id"] for each in records if each["type"] == "request" and "/api/v2/conv" in each["url"]}
    ends = [n for n, each in enumerate(records) if each["type"] == "end" and each["id"] in reads]
    # The end of the read that the page made after the turn by ui, which is the second.
    last = max(n for n in ends if finished[0] < n < finished[1])
    records.insert(finished[1], records.pop(last))
    late = tmp_path / "late.tape"
    renumbered = [{**each, "n": n} for n, each in enumerate(records)]
    late.write_bytes(gzip.compress(msgspec.json.Encoder().encode_lines([header, *renumbered])))
    for name in ("turn.turn.REFETCH_PATIENCE", "playback.player._PATIENCE"):
        monkeypatch.setattr(f"huggingchat_agent.{name}", 3600.0)
    async with asyncio.timeout(60):
        played = [event async for event in replay(late, speed=0)]
    assert [event.name for event in played].count("finished") == 3


async def test_replay_takes_its_time_at_a_speed(recorded):
    path, _, _ = recorded
    last = [event.at async for event in replay(path, speed=0) if isinstance(event, events.Token)]
    scaled = [event.at async for event in replay(path, speed=20) if isinstance(event, events.Token)]
    assert scaled[-1] - scaled[0] == pytest.approx((last[-1] - last[0]) / 20, rel=0.2)


async def test_cut_stream_fails_with_the_text_so_far(recorded):
    path, _, answers = recorded
    exchanges = summarize(Tape(path).load()).exchanges
    bodies = [bytes(each.body) for each in exchanges if each.request.method == "POST"]
    third = -1  # token of the second message
    for _ in range(3):
        third = next(each for each in bodies if b"what reason" in each).index(b'"stream"', third + 1)
    played = [event async for event in replay(path, speed=0, faults=[faults.cut(after=third, nth=2)])]
    failed = [event for event in played if isinstance(event, events.Failed)]
    assert [(each.turn, each.error) for each in failed] == [(2, "StreamBroken")]
    assert failed[0].partial and answers[1].text.startswith(failed[0].partial)
    assert [event.turn for event in played if isinstance(event, events.Finished)] == [1, 3]


async def test_swapped_status_is_the_error_that_the_app_would_have_given(recorded):
    path, _, _ = recorded
    refusal = faults.status(429, '{"message":"You are going too fast"}', nth=3)
    played = [event async for event in replay(path, speed=0, faults=[refusal])]
    assert isinstance(played[-1], events.Failed)
    assert (played[-1].error, played[-1].turn) == ("RateLimited", 3)
    assert "too fast" in played[-1].message


async def test_stalled_stream_comes_later(recorded):
    path, _, _ = recorded
    calm = [event.at async for event in replay(path, speed=0) if isinstance(event, events.Token)]
    late = [
        event.at
        async for event in replay(path, speed=0, faults=[faults.stall(after=300, seconds=7, nth=2)])
        if isinstance(event, events.Token)
    ]
    assert late[-1] - late[0] == pytest.approx(calm[-1] - calm[0] + 7, abs=0.01)


async def test_fault_that_finds_nothing_is_said(recorded):
    path, _, _ = recorded
    with pytest.raises(UsageError, match="The tape has 3 messages; there is no number 9"):
        await replay(path, faults=[faults.cut(1, nth=9)]).run()


async def test_truncated_tape_plays_what_is_there_and_then_says_so(recorded, tmp_path):
    path, seen, _ = recorded
    short = tmp_path / "short.tape"
    short.write_bytes(path.read_bytes()[:-2000])
    played = []
    with pytest.raises(TapeCorrupt, match=r"offset \d+"):
        async for event in replay(short, speed=0):
            played.append(event)
    assert len(played) > 10
    assert [strip_event(each) for each in played if each.name == "token"] == [
        strip_event(each) for each in seen if each.name == "token"
    ][: sum(each.name == "token" for each in played)]
