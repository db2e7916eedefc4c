"""When the pictures of a tape are taken, without a browser."""

import asyncio
from typing import Any

import pytest

from huggingchat_agent import events
from huggingchat_agent.emitter import Emitter
from huggingchat_agent.settings import make_settings
from huggingchat_agent.tape import recorder as recording
from huggingchat_agent.tape.recorder import Recorder


class Tab:
    """A tab that notes when it is pictured: which turns were under way then, and how many ended before."""

    def __init__(self, number, session):
        self.id = f"page-{number}"
        self.session = session

    async def take_picture(self, secrets):
        await asyncio.sleep(0)
        self.session.pictured.append((self.id, sorted(self.session.running)))
        return b"RIFF"


class Session:
    """Turns that begin and end in tabs: turn 12 is the second one in the tab page-1."""

    def __init__(self, path):
        self.recorder = Recorder(make_settings(record=path / "a.tape", home=path))
        self.emitter = Emitter()
        self.running = set()
        self.pictured = []
        tabs: dict[str, Any] = {f"page-{number}": Tab(number, self) for number in range(10)}
        self.recorder.listen(self.emitter, lambda turn: f"page-{turn // 10}", tabs.get)

    def begin(self, turn):
        self.running.add(turn)
        self.emitter.emit(events.Started(conversation_id="c", turn=turn, seq=1, at=0.0))

    def end(self, turn, kind=events.Finished, **fields):
        self.running.discard(turn)
        self.emitter.emit(kind(conversation_id="c", turn=turn, seq=2, at=0.0, **fields))

    async def complete(self):
        await self.recorder.complete(None, None)  # type: ignore[arg-type]


@pytest.fixture
def session(tmp_path):
    return Session(tmp_path)


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(recording, "QUIET", 0.0)


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.usefixtures("at_once")
async def test_no_picture_is_taken_while_an_answer_comes_in(session):
    session.begin(10)
    session.begin(20)
    session.end(10)
    await settle()
    assert session.pictured == []
    session.end(20)
    await settle()
    assert session.pictured == [("page-1", []), ("page-2", [])]


async def test_turn_that_another_one_follows_at_once_has_no_picture(session):
    for turn in range(10, 15):
        session.begin(turn)
        session.end(turn)
        await settle()
    await session.complete()
    assert session.pictured == [("page-1", [])]


async def test_every_tab_is_pictured_when_the_session_ends(session):
    for turn in (10, 20, 30, 21):
        session.begin(turn)
        session.end(turn)
    session.begin(31)
    session.end(31, events.Failed, error="StreamBroken", message="")
    await session.complete()
    assert sorted(session.pictured) == [("page-1", []), ("page-2", []), ("page-3", [])]


async def test_picture_that_does_not_come_does_not_keep_the_session(session, monkeypatch):
    async def hang(self, secrets):
        await asyncio.Event().wait()

    monkeypatch.setattr(Tab, "take_picture", hang)
    monkeypatch.setattr(recording, "PICTURE_PATIENCE", 0.01)
    session.begin(10)
    session.end(10)
    await session.complete()
    assert session.recorder._camera is None
