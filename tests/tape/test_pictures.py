"""Who takes the pictures of a tape, without a browser."""

import asyncio
from typing import Any

from huggingchat_agent import events
from huggingchat_agent.emitter import Emitter
from huggingchat_agent.settings import make_settings
from huggingchat_agent.tape.recorder import Recorder


class Tab:
    """A tab that is pictured when the test says so, and notes how many want that at a time."""

    def __init__(self, number):
        self.id = f"page-{number}"
        self.now = self.most = 0
        self.gate = asyncio.Event()

    async def take_picture(self, secrets):
        self.now += 1
        self.most = max(self.most, self.now)
        await self.gate.wait()
        self.now -= 1
        return b"RIFF"


async def test_tab_is_pictured_once_at_a_time_and_nothing_is_kept_of_it(tmp_path):
    tabs = [Tab(number) for number in range(20)]
    by_id: dict[str, Any] = {tab.id: tab for tab in tabs}
    recorder = Recorder(make_settings(record=tmp_path / "a.tape", home=tmp_path))
    emitter = Emitter()
    recorder.listen(emitter, lambda turn: f"page-{turn}", by_id.get)
    for turn in range(20):
        emitter.emit(events.Started(conversation_id="c", turn=turn, seq=1, at=0.0))
        emitter.emit(events.Finished(conversation_id="c", turn=turn, seq=2, at=0.0))
    await asyncio.sleep(0)
    for tab in tabs:
        tab.gate.set()
    await recorder.complete(None, None)  # type: ignore[arg-type]
    assert [tab.most for tab in tabs] == [1] * 20
    assert not recorder._cameras
