"""A recording of which nothing is left alive: neither program nor browser, nor who watches over it."""

import contextlib
import os
import shutil
import signal

import pytest

from huggingchat_agent import events, replay
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.reader import Tape
from tests.cli.shell import Shell

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


def count_words(path):
    """How many words of an answer are on the tape so far."""
    names = [each.event["event"] for each in Tape(path).load().records if isinstance(each, tapes.Event)]
    return names.count("token")


def kill_all(shell):
    while found := shell.processes():
        for process in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


async def test_tape_of_a_killed_session_opens_and_says_that_it_is_incomplete(stand_in, saved_home, tmp_path):
    path = tmp_path / "run.tape"
    shell = Shell(stand_in.url, shutil.copytree(saved_home, tmp_path / "state"))
    with shell.start("ask", "--via", "page", "--record", str(path), "count 3000 every 10") as process:
        assert process.stdout is not None
        while not path.exists() or count_words(path) < 20:
            assert process.stdout.read(4096)
        assert len(shell.processes()) > 3  # the browser's too
        kill_all(shell)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    recording = Tape(path).load()
    assert recording.trouble is None and not recording.complete
    numbers = [each.n for each in recording.records]
    assert len(set(numbers)) == len(numbers)
    for command in ("show", "report", "har"):
        done = shell("tape", command, str(path))
        assert done.code == 0, done.err
        assert "incomplete" in done.out + done.err
    again = replay(path, speed=0)
    played = [event async for event in again]
    assert not again.complete
    assert [event.name for event in played].count("token") >= 20
    assert isinstance(played[-1], events.Failed) and played[-1].error == "StreamBroken"
