"""Tapes that no recorder wrote: they may hold anything, and are refused with a sentence and the line."""

import asyncio
import copy
import gzip
import itertools
import json
import os
import random
import re
import time
from pathlib import Path
from typing import Any

import pytest

from huggingchat_agent import replay
from huggingchat_agent.errors import SettingsError, TapeCorrupt, TapeError
from huggingchat_agent.playback import pauses, player
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape import patterns, reader
from huggingchat_agent.tape.har import make_har
from huggingchat_agent.tape.mask import Mask
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.tape.redaction import Redaction
from huggingchat_agent.tape.report import render_report
from huggingchat_agent.tape.summary import summarize
from huggingchat_agent.tape.timeline import make_timeline
from huggingchat_agent.tape.writer import TapeWriter

TAPES = Path(__file__).parents[2] / "fixtures" / "tapes"
DEEP = 100_000


def read_lines(name):
    return gzip.decompress((TAPES / name).read_bytes()).splitlines()


def write(path, lines):
    path.write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines), 1))
    return path


def show(path):
    """All that can be made of a tape without a browser."""
    tape = Tape(path)
    summary = summarize(tape.load())
    summary.troubles, make_timeline(summary), json.dumps(make_har(summary)), render_report(summary)
    if summary.recording.trouble is not None:
        raise summary.recording.trouble


def insert(lines, record):
    """The lines with one more record before the last."""
    line = record if isinstance(record, bytes) else json.dumps(record).encode()
    return [*lines[:-1], line, lines[-1]]


def make_record(type, **fields):
    where = {"id": "x", "page": "p"} if type in ("request", "response", "chunk") else {}
    return {"type": type, "n": 9000, "at": 1, **where, **fields}


PICTURE = {"page": "p", "turn": 1, "moment": "end", "mime": "", "base64": ""}
RECORDS: list[Any] = [
    b'{"type":"event","n":9000,"at":9,"event":{"event":"status","x":' + b"[" * DEEP + b"]" * DEEP + b"}}",
    b'{"type":"event","n":9000,"at":9,"event":{"event":"status","x":' + b"[" * 300 + b"]" * 300 + b"}}",
    make_record("event", event={"turn": 1}),
    make_record("event", event={"event": 5}),
    make_record("event", event={"event": "token", "seq": 1}),
    make_record("event", event={"event": "handler_failed", "error": 5}),
    make_record("event", event={"event": "queued", "running": "x"}),
    make_record("browser", at=1e308, version="x"),
    make_record("browser", n=-1, version="x"),
    make_record("browser", n=10**30, version="x"),
    make_record("browser", at="1", version="x"),
    make_record("chunk", base64="a"),
    make_record("picture", **PICTURE | {"turn": []}),
    make_record("request", method="GET", url="http://[", kind="x", headers={}),
    make_record("response", status=10**9, mime="", headers={}),
    make_record("response", status=200, mime="", headers={"a": 1}),
    make_record("nonsense"),
    [],
    None,
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: str(record)[:60])
async def test_record_that_no_recorder_writes_is_corrupt_and_its_line_is_named(tmp_path, record):
    lines = read_lines("v1-conversation.tape")
    path = write(tmp_path / "a.tape", insert(lines, record))
    with pytest.raises(TapeCorrupt, match=rf"line {len(lines)} "):
        show(path)
    with pytest.raises(TapeCorrupt, match=rf"line {len(lines)} "):
        await replay(path, speed=0).run()


@pytest.mark.parametrize("name", ["v1-conversation.tape", "v1-troubles.tape"])
async def test_tape_whose_records_are_there_twice_is_corrupt_without_a_last_record_too(tmp_path, name):
    lines = read_lines(name)
    path = write(tmp_path / "a.tape", [*lines[:-1], *lines[1:-1]])
    with pytest.raises(TapeCorrupt, match=rf"line {len(lines)} has the number 1 of an earlier one"):
        show(path)
    with pytest.raises(TapeCorrupt, match="of an earlier one"):
        await replay(path, speed=0).run()


async def test_replay_does_not_wait_for_turns_whose_end_is_not_on_the_tape(tmp_path, monkeypatch):
    """All exchanges have one id: the end of one looks like that of the last."""
    monkeypatch.setattr(player, "_PATIENCE", 0.2)
    records = [json.loads(line) for line in read_lines("v1-conversation.tape")]
    lines = [json.dumps(each | {"id": "x"} if "id" in each else each).encode() for each in records]
    began = time.monotonic()
    with pytest.raises(TapeCorrupt, match="lacks the end of some of its turns"):
        await replay(write(tmp_path / "a.tape", lines), speed=0).run()
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("at", [tapes.LONGEST, -tapes.LONGEST])
async def test_replay_does_not_wait_for_years(tmp_path, monkeypatch, caplog, at):
    monkeypatch.setattr(pauses, "LONGEST", 0.2)
    records = [json.loads(line) for line in read_lines("v1-conversation.tape")]
    records[3]["at"] = at
    path = write(tmp_path / "a.tape", [json.dumps(each).encode() for each in records])
    texts = [
        event.text async for event in replay(TAPES / "v1-conversation.tape", speed=0) if event.name == "token"
    ]
    async with asyncio.timeout(30):
        assert [event.text async for event in replay(path, speed=10) if event.name == "token"] == texts
    assert caplog.text.count("The tape has pauses of more than") == 1
    assert re.search(r"one of (1,000,000,00\d|999,999,99\d) s", caplog.text)


@pytest.mark.parametrize("speed", [0, 100])
async def test_pauses_up_to_the_limit_stay(caplog, speed):
    await replay(TAPES / "v1-conversation.tape", speed=speed).run()
    assert caplog.text == ""


def test_times_after_a_long_pause_keep_their_distances():
    records = [tapes.Browser(n=n, at=at, version="") for n, at in enumerate((1.0, 61.0, 500.0, 501.5, 499.0))]
    assert [each.at for each in pauses.shorten_pauses(records)] == [1.0, 61.0, 121.0, 122.5, 120.0]


async def test_tape_that_goes_on_after_its_end_is_corrupt(tmp_path):
    """Such as one that is there twice. Its turns would wait for exchanges that were over before."""
    lines = read_lines("v1-conversation.tape")
    path = write(tmp_path / "a.tape", [*lines, *lines[1:]])
    with pytest.raises(TapeCorrupt, match=rf"line {len(lines) + 1} comes after the last record"):
        show(path)
    with pytest.raises(TapeCorrupt, match="after the last record"):
        await replay(path, speed=0).run()


HEADERS = [
    {"begun": "yesterday"},
    {"begun": "9999-12-31T00:00:00+00:00"},
    {"base_url": "http://["},
    {"base_url": "/chat"},
    {"base_url": "http://x:99999999/"},
    {"tape": "1"},
    {"tape": 0},
    {"full": "yes"},
]


@pytest.mark.parametrize("change", HEADERS, ids=str)
def test_header_that_no_recorder_writes_is_corrupt(tmp_path, change):
    first, *rest = read_lines("v1-conversation.tape")
    path = write(tmp_path / "a.tape", [json.dumps(json.loads(first) | change).encode(), *rest])
    with pytest.raises(TapeCorrupt, match="header"):
        Tape(path)


def test_header_that_is_nested_deeply_is_corrupt(tmp_path):
    with pytest.raises(TapeCorrupt, match="header"):
        Tape(write(tmp_path / "a.tape", [b'{"tape":' + b"[" * DEEP]))


def list_places(value, path=()):
    """Every place in a record, as a way to it."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in items:
        yield from list_places(each, (*path, name))


def change(record, path, value):
    copied = copy.deepcopy(record)
    place = copied
    for name in path[:-1]:
        place = place[name]
    if value is list_places:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copied


def damage(records, chance):
    """The records with one to four changes: some lost, twice, exchanged, renumbered, or of another type."""
    for _ in range(chance.randint(1, 4)):
        one, other = (chance.randrange(1, len(records)) for _ in range(2))
        match chance.randrange(7):
            case 0:
                records = records[:one] + records[one + 1 :]
            case 1:
                records = [*records[:other], records[one], *records[other:]]
            case 2:
                ends = {"n": records[one]["n"]}, {"n": records[other]["n"]}
                records[one], records[other] = records[other] | ends[0], records[one] | ends[1]
            case 3:
                records = records[: max(one, 4)]
            case 4:
                kind = records[one]["type"]
                records = [each for each in records if each.get("type") != kind]
            case 5:
                first = max(each["n"] for each in records[1:]) + 1
                again = [each | {"n": each["n"] + first} for each in records[1:] if each["type"] != "last"]
                records = [*(each for each in records if each.get("type") != "last"), *again]
            case _:
                place = chance.choice(list(list_places(records[one])))
                value = chance.choice([each for each in WRONG if each is not list_places])
                return [*records[:one], change(records[one], place, value), *records[one + 1 :]]
        if len(records) < 5:
            break
    return records


@pytest.mark.soak
async def test_tape_that_is_damaged_at_random_is_read_or_refused_with_a_sentence(
    tmp_path, monkeypatch, request
):
    """Never another error, and never a wait that has no bound."""
    monkeypatch.setattr(player, "_PATIENCE", 0.05)
    names = [path.name for path in sorted(TAPES.glob("v1-*.tape"))]
    originals = [[json.loads(line) for line in read_lines(name)] for name in names]
    refused, count = 0, 600 if request.config.getoption("--soak") else 30
    for seed in range(count):
        chance = random.Random(seed)
        records = damage(copy.deepcopy(chance.choice(originals)), chance)
        path = write(tmp_path / "a.tape", [json.dumps(each).encode() for each in records])
        for use in (show, play):
            try:
                async with asyncio.timeout(30):
                    if (work := use(path)) is not None:
                        await work
            except TapeError:
                refused += 1
    assert 0 < refused < 2 * count


async def play(path):
    await replay(path, speed=0).run()


WRONG: list[Any] = [list_places, None, [], {}, "", "x", -1, 10**20, 1e308, True]


@pytest.mark.soak
async def test_whatever_is_changed_in_a_record_it_is_read_or_refused_with_a_sentence(tmp_path, request):
    """One record of each type and each event, each of its fields missing or of another type in turn.

    The default run takes three of the wrong values for a field, other ones for the next field.
    """
    many = len(WRONG) if request.config.getoption("--soak") else 3
    lines = read_lines("v1-troubles.tape")
    kinds: dict[tuple[str, str], tuple[int, Any]] = {}
    for number, line in enumerate(lines):
        record = json.loads(line)
        name = record["event"]["event"] if record.get("type") == "event" else ""
        kinds.setdefault((record.get("type"), name), (number, record))
    # From each exchange and turn one, so that a tape is small.
    kept = sorted(number for number, _ in kinds.values())
    places = [(number, path) for number, record in kinds.values() for path in list_places(record)]
    values = itertools.cycle(WRONG)
    cases = [(*place, value) for place in places for value in itertools.islice(values, many)]
    path = tmp_path / "a.tape"
    refused = 0
    for number, place, value in cases:
        record = change(json.loads(lines[number]), place, value)
        write(path, [json.dumps(record).encode() if each == number else lines[each] for each in kept])
        try:
            show(path)
            await replay(path, speed=0).run()
        except TapeError:
            refused += 1
    assert len(places) > 100 and refused > len(cases) / 3


def bomb(size, line_size):
    """A tape that unpacks to about that many bytes, in records of that size."""
    header = read_lines("v1-conversation.tape")[0] + b"\n"
    version = "x" * (line_size - 52)
    lines = (
        f'{{"type":"browser","n":{n:7},"at":1,"version":"{version}"}}\n' for n in range(size // line_size)
    )
    return gzip.compress(header + "".join(lines).encode(), 9)


def test_line_that_unpacks_to_more_than_a_tape_may_hold_is_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "LARGEST_LINE", 1_000_000)
    path = tmp_path / "a.tape"
    path.write_bytes(bomb(30_000_000, 30_000_000))
    assert path.stat().st_size < 50_000
    began = time.process_time()
    with pytest.raises(TapeCorrupt, match="line 2 exceeds the limits of a tape"):
        list(Tape(path).read_records())
    assert time.process_time() - began < 1


@pytest.mark.parametrize("limit", ["LARGEST_TAPE", "MOST_RECORDS"])
def test_tape_that_unpacks_to_more_than_a_tape_may_hold_is_refused(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(reader, limit, {"LARGEST_TAPE": 1_000_000, "MOST_RECORDS": 1000}[limit])
    path = tmp_path / "a.tape"
    path.write_bytes(bomb(20_000_000, 1000))
    recording = Tape(path).load()
    assert recording.trouble is not None and "exceeds the limits of a tape" in str(recording.trouble)
    assert 1000 <= len(recording.records) < 2000


def test_long_line_is_read_in_linear_time(tmp_path):
    """Such as a message with a large file; it packs badly, and so comes in many pieces."""
    text = os.urandom(4_000_000).hex()
    record = {"type": "browser", "n": 1, "at": 1, "version": text}
    path = write(tmp_path / "a.tape", [read_lines("v1-conversation.tape")[0], json.dumps(record).encode()])
    began = time.process_time()
    assert len(Tape(path).load().records) == 1
    assert time.process_time() - began < 2


SLOW = r"(x|xx)+$"
SLOW_TEXT = "x" * 60 + "y"


def test_pattern_that_takes_for_ever_ends_the_tape_and_not_the_process(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(patterns, "SECONDS", 0.2)
    path = tmp_path / "a.tape"
    header = tapes.Header(
        tape=tapes.VERSION, agent="1", base_url="http://x/chat", begun="2026-01-01T00:00:00+00:00"
    )
    writer = TapeWriter(path, header, Redaction(Mask([SLOW]), learn=lambda value: None))
    writer.put(tapes.Browser(n=1, at=0.0, version="before"))
    while not path.exists():
        time.sleep(0.01)
    for n in range(2, 50):
        writer.put(tapes.ConsoleMessage(n=n, at=0.0, page="p", kind="console", text=SLOW_TEXT))
    began = time.monotonic()
    ticks = 0
    while "ends here" not in caplog.text and time.monotonic() < began + 60:
        time.sleep(0.01)
        ticks += 1
    writer.close(tapes.Last(n=50, at=1.0))
    assert ticks > 5  # other threads ran meanwhile
    assert caplog.text.count("ends here") == 1 and SLOW in caplog.text
    recording = Tape(path).load()
    assert not recording.complete and [each.n for each in recording.records] == [1]


@pytest.mark.parametrize("source", ["a{1000000000}", "((?:ab?){1000}[)]{2}){1000}", r"(\({3}|x){1000000}"])
def test_pattern_that_would_fill_the_memory_is_refused(source):
    with pytest.raises(SettingsError, match="repeats too often"):
        patterns.Pattern(source)


def test_pattern_that_took_too_long_is_not_tried_again(monkeypatch):
    monkeypatch.setattr(patterns, "SECONDS", 0.1)
    pattern = patterns.Pattern(SLOW)
    with pytest.raises(TapeError, match="for more than"):
        pattern.find_spans(SLOW_TEXT)
    began = time.process_time()
    with pytest.raises(TapeError, match="for more than"):
        pattern.find_spans(SLOW_TEXT)
    assert time.process_time() - began < 0.05


@pytest.mark.parametrize(
    "source",
    [
        *(r"(?<=ACME-)\d+", r"(?<!x)y", r"(\w)\1", r"(?P<n>a)(?P=n)", r"(?i:acme)\s", r"\bACME\b"),
        *(
            r"foo{e<=1}",
            r"a{2}",
            r"a{1,}",
            r"a{,2}",
            r"{",
            r"[{]x",
            r"\{e\}",
            r"\N{DIGIT ONE}",
            r"(?x) a a # {s}",
        ),
        *(r"(a+)+$", r"^A", r"(?m)^b", r"(?s)a.b", r"[^\W\d]+", r"\Z", r"a*"),
    ],
)
def test_pattern_finds_what_re_finds(source):
    text = "ACME-12 aab\nbb acme x foo{e<=1} {x fo aaa 1 {e} yy"
    found = [match.span() for match in re.finditer(source, text) if match.group()]
    assert patterns.Pattern(source).find_spans(text) == found
