"""Writing and reading: whole tapes, tapes of programs that died, and files that are not tapes."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque

import pytest

from huggingchat_agent import events
from huggingchat_agent.errors import TapeCorrupt, TapeError, TapeVersion
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.mask import Mask
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.tape.redaction import Redaction
from huggingchat_agent.tape.writer import TapeWriter
from tests.tape.unpack import unpack

HEADER = tapes.Header(
    tape=tapes.VERSION, agent="1", base_url="http://x/chat", begun="2026-01-01T00:00:00+00:00"
)


def open_writer(path, header=HEADER):
    return TapeWriter(path, header, Redaction(Mask(), learn=lambda value: None))


def event(n, text="word "):
    return tapes.Event(n=n, at=n / 100, event={"event": "title", "title": text})


def write_whole(path, count=50):
    writer = open_writer(path)
    for n in range(count):
        writer.put(event(n, os.urandom(200).hex()))
    writer.close(tapes.Last(n=count, at=1.0))
    return path


def test_tape_gives_back_what_was_put(tmp_path):
    path = write_whole(tmp_path / "a.tape")
    recording = Tape(path).load()
    assert recording.header == HEADER and recording.complete
    assert [each.n for each in recording.records] == list(range(51))


def test_tape_is_for_its_owner_only(tmp_path):
    assert write_whole(tmp_path / "a.tape").stat().st_mode & 0o777 == 0o600


def test_standard_gzip_reads_it(tmp_path):
    path = write_whole(tmp_path / "a.tape")
    ran = subprocess.run(["gzip", "-dc", path], capture_output=True, check=True, stdin=subprocess.DEVNULL)
    assert ran.stdout == unpack(path)


def test_tape_cannot_be_written_where_there_is_no_place(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TapeError, match="cannot be written"):
        open_writer(tmp_path / "file" / "a.tape")


def test_tape_that_was_there_stays_until_something_is_recorded(tmp_path):
    path = write_whole(tmp_path / "a.tape")
    before = path.read_bytes()
    open_writer(path).close(tapes.Last(n=0, at=0.0))
    assert path.read_bytes() == before
    writer = open_writer(path)
    assert path.read_bytes() == before
    writer.put(event(0))
    writer.close(tapes.Last(n=1, at=1.0))
    recording = Tape(path).load()
    assert recording.complete and len(recording.records) == 2


def test_tape_of_nothing_is_no_file(tmp_path):
    open_writer(tmp_path / "a.tape").close(tapes.Last(n=0, at=0.0))
    assert list(tmp_path.iterdir()) == []


def test_tape_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(TapeError, match="cannot be read"):
        Tape(tmp_path / "none.tape")


PROGRAM = """
import sys
from pathlib import Path
from tests.tape.test_files import event, open_writer
writer = open_writer(Path(sys.argv[1]))
n = 0
while True:
    writer.put(event(n)); n += 1
    if n % 200 == 0: print(n, flush=True)
"""


@pytest.mark.parametrize("after", [1, 20, 90])
def test_tape_of_a_killed_program_opens_and_is_incomplete(tmp_path, after):
    path = tmp_path / "a.tape"
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, path], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for _ in range(after):
            process.stdout.readline()
        while not path.exists() or path.stat().st_size < 200:  # until it has written
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
    recording = Tape(path).load()
    assert not recording.complete
    # The kernel may cut a write short at the end of a page when it kills a program.
    assert recording.trouble is None or "breaks off in the middle" in str(recording.trouble)
    assert [each.n for each in recording.records] == list(range(len(recording.records)))


def test_truncated_tape_gives_what_is_whole_and_then_says_where(tmp_path):
    path = write_whole(tmp_path / "a.tape")
    data = path.read_bytes()
    for cut in range(len(data) - 1, 400, -937):
        path.write_bytes(data[:cut])
        found: list[int] = []
        with pytest.raises(TapeCorrupt, match=r"offset \d+"):
            found.extend(each.n for each in Tape(path).read_records())
        assert found == list(range(len(found)))


def test_garbled_tape_is_corrupt_wherever_it_was_garbled(tmp_path):
    path = write_whole(tmp_path / "a.tape")
    data = path.read_bytes()
    for place in range(0, len(data), 613):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        if place == 4:  # the time in gzip's own header means nothing
            continue
        with pytest.raises(TapeCorrupt, match=r"offset \d+"):
            list(Tape(path).read_records())


@pytest.mark.parametrize("text", [b"", b"hello", b'{"tape":1}\n', b"\x1f\x8b"])
def test_file_that_is_no_tape_is_corrupt(tmp_path, text):
    path = tmp_path / "a.tape"
    path.write_bytes(text)
    with pytest.raises(TapeCorrupt, match=r"offset \d"):
        list(Tape(path).read_records())


def test_tape_of_the_future_says_what_to_do(tmp_path):
    path = tmp_path / "a.tape"
    writer = open_writer(path, tapes.Header(tape=99, agent="9", base_url="", begun=""))
    writer.put(event(0))
    writer.close(tapes.Last(n=1, at=0.0))
    with pytest.raises(TapeVersion, match=r"version 99 \(offset 0\).*Install a newer"):
        Tape(path)


def test_older_tape_is_brought_up_step_by_step(tmp_path, monkeypatch):
    path = write_whole(tmp_path / "a.tape", 3)

    def renamed(raw):
        if raw.get("type") == "event":
            raw["event"] = {**raw["event"], "event": "titled"}
        return raw

    monkeypatch.setattr(tapes, "STEPS", {1: renamed, 2: lambda raw: raw})
    monkeypatch.setattr(tapes, "VERSION", 3)
    tape = Tape(path)
    assert tape.header.tape == 1
    assert {each.event["event"] for each in tape.read_records() if isinstance(each, tapes.Event)} == {
        "titled"
    }


LONG = """
import sys, time
from pathlib import Path
from huggingchat_agent.tape import format as tapes
from tests.tape.test_files import open_writer, word

def used():  # bytes
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

writer = open_writer(Path(sys.argv[1]))
where = {"id": "1", "page": "p"}
writer.put(tapes.Response(n=0, at=0.0, status=200, mime="application/jsonl", headers={}, **where))
measured = []
for start, end in ((0, 1000), (1000, 5000), (5000, 20_000)):  # the first warms up
    for number in range(start, end):
        for record in word(number):
            writer.put(record)
        while writer.waiting > 500:
            time.sleep(0.001)
    measured.append(used())
writer.close(tapes.Last(n=99_999_999, at=1.0))
print(*measured)
"""


def word(number):
    """A word of an answer, as it goes on a tape."""
    line = json.dumps({"type": "stream", "token": f"{number} "}, separators=(",", ":")) + "\n"
    event = {"event": "token", "turn": 1, "text": f"{number} "}
    return (
        tapes.Chunk(n=2 * number + 1, at=0.0, text=line, id="1", page="p"),
        tapes.Event(n=2 * number + 2, at=0.0, event=event),
    )


def test_recording_a_long_answer_takes_constant_memory(tmp_path):
    path = tmp_path / "a.tape"
    ran = subprocess.run([sys.executable, "-c", LONG, path], capture_output=True, text=True, check=True)
    _, short, long = map(int, ran.stdout.split())  # after 5,000 tokens and after 20,000
    assert long - short < 2_000_000
    assert path.stat().st_size < 5_000_000
    assert len(Tape(path).load().records) == 40_002


@pytest.mark.parametrize("patience", [0.1, 60.0])
def test_first_token_does_not_wait_for_the_tape_for_long(tmp_path, monkeypatch, patience):
    batches = []
    written = threading.Event()

    def write(self, batch, write=TapeWriter._write):
        batches.append(len(batch))
        write(self, batch)
        written.set()

    monkeypatch.setattr(TapeWriter, "_write", write)
    monkeypatch.setattr("huggingchat_agent.tape.writer.PATIENCE", patience)
    writer = open_writer(tmp_path / "a.tape")
    writer.expect_token()
    writer.put(event(0))
    assert written.wait(10 if patience < 1 else 0.4) == (patience < 1)
    written.clear()
    writer.put(events.Token(conversation_id="c", turn=1, seq=1, at=1.0, text="one", length=3))
    assert written.wait(10)
    writer.close(tapes.Last(n=2, at=1.0))
    assert batches[0] == (1 if patience < 1 else 2)


def test_thread_does_not_rest_while_far_too_much_waits(tmp_path, monkeypatch):
    notes = deque(event(n) for n in range(5000))
    left = []
    done = threading.Event()

    def write_all(self, write_all=TapeWriter._write_all):
        over, self._over = self._over, Rests()
        write_all(self)
        self._over = over
        done.set()

    class Rests:
        def wait(self, seconds):
            left.append(len(notes))

    monkeypatch.setattr(TapeWriter, "_write_all", write_all)
    monkeypatch.setattr("huggingchat_agent.tape.writer.CROWD", 1000)
    path = tmp_path / "a.tape"
    writer = TapeWriter(path, HEADER, Redaction(Mask(), learn=lambda value: None), notes=notes)
    assert done.wait(10)
    writer.close(tapes.Last(n=5000, at=1.0))
    assert left == [1000, 500]  # of the last batches that left something
    assert sum(isinstance(each, tapes.Event) for each in Tape(path).load().records) == 5000


def test_full_disk_ends_the_tape_and_nothing_else(tmp_path, caplog, monkeypatch):
    writer = open_writer(tmp_path / "a.tape")

    def full(file, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("huggingchat_agent.tape.writer.os.write", full)
    for n in range(1000):
        writer.put(event(n))
    writer.close(tapes.Last(n=1000, at=1.0))
    assert caplog.text.count("No space left on device") == 1
