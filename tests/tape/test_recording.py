"""What a session leaves on its tape."""

import pytest

from huggingchat_agent import events
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.tape.summary import summarize
from huggingchat_agent.wire.conversations import parse_list
from tests.recorded import PROMPTS
from tests.tape.unpack import read_lines

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_tape_has_the_events_that_callbacks_got(recorded):
    path, log, answers = recorded
    on_tape = [each.event for each in Tape(path).load().records if isinstance(each, tapes.Event)]
    turns = [each for each in on_tape if "seq" in each]
    assert [(each["event"], each["turn"], each["seq"]) for each in turns] == [
        (each.name, each.turn, each.seq) for each in log
    ]
    tokens = {number: "" for number in range(1, 4)}
    for each in turns:
        if each["event"] == "token":
            tokens[each["turn"]] += each["text"]
    assert list(tokens.values()) == [answer.text for answer in answers]


async def test_times_of_an_answer_on_the_tape_are_those_of_the_tape(recorded):
    path, _, answers = recorded
    found = Tape(path).load().records
    seen = [each for each in found if isinstance(each, tapes.Event) and each.event["event"] == "answer"]
    assert len(seen) == len(answers)
    for each, answer in zip(seen, answers, strict=True):
        timing = each.event["answer"]["timing"]
        assert timing["tokens"] == answer.timing.tokens > 3
        assert 0 < timing["sent"] < timing["first_token"] <= timing["last_token"] <= each.at + 0.5


async def test_tape_has_the_streams_as_they_arrived(recorded):
    path, log, _ = recorded
    records = Tape(path).load().records
    posts = [
        each.id
        for each in records
        if isinstance(each, tapes.Request) and each.method == "POST" and "/conversation/" in each.url
    ]
    assert len(posts) == len(PROMPTS)
    for turn, post in enumerate(posts, 1):
        chunks = [each for each in records if isinstance(each, tapes.Chunk) and each.id == post]
        body = b"".join(each.data for each in chunks)
        tokens = [each for each in log if isinstance(each, events.Token) and each.turn == turn]
        assert body.count(b'"type":"stream"') >= len(tokens) > 3
        assert chunks  # how many depends on how busy the machine is: a stream that is over may come in one
        assert [each.at for each in chunks] == sorted(each.at for each in chunks)


async def test_tape_has_a_picture_of_the_last_turn_in_the_tab(recorded):
    path, _, _ = recorded
    pictures = [each for each in Tape(path).load().records if isinstance(each, tapes.Picture)]
    assert (3, "end") in {(each.turn, each.moment) for each in pictures}
    for each in pictures:
        assert each.data[:4] == b"RIFF" and each.data[8:12] == b"WEBP"


async def test_tape_is_whole_and_in_the_order_of_what_happened(recorded):
    path, _, _ = recorded
    recording = Tape(path).load()
    assert recording.complete and recording.trouble is None
    numbers = [each.n for each in recording.records]
    assert len(set(numbers)) == len(numbers)
    assert read_lines(path)[0]["tape"] == tapes.VERSION


async def test_full_tape_has_pages_and_scripts(recorded):
    path, _, _ = recorded
    records = Tape(path).load().records
    kinds = {each.id: each.kind for each in records if isinstance(each, tapes.Request)}
    bodies = {kinds[each.id] for each in records if isinstance(each, tapes.Chunk)}
    assert {"document", "script", "stylesheet", "fetch"} <= bodies


async def test_full_tape_has_the_end_of_the_list_of_conversations(recorded):
    """How far a page reads on there is a matter of milliseconds."""
    path, _, _ = recorded
    lists = [each for each in summarize(Tape(path).load()).exchanges if "/api/v2/conversations?" in each.path]
    furthest = max(lists, key=lambda each: int(each.path.partition("p=")[2]))
    assert parse_list(bytes(furthest.body)).conversations == []
