"""A token's way from the driver's callback to a user's handler stays short."""

import inspect
import sys

from huggingchat_agent.browser.playwright_session import PlaywrightSession
from huggingchat_agent.setting_values import Record
from huggingchat_agent.tape.reader import Tape
from tests.bench.rig import DriverSession
from tests.bench.token_path import measure

MOST = 22  # Python calls
FIRST = 26  # where reasoning is looked for
RECORDED = 4  # more for a recording, for each chunk
SIGNATURE = 8  # 21 without a signature of its own


async def test_token_takes_few_calls_from_the_driver_to_the_handler():
    first, *others = await measure()
    assert len(others) == 64
    assert max(len(calls) for calls in others) <= MOST, others[0]
    assert len(first) <= FIRST, first


async def test_recording_adds_few_calls_for_a_chunk_and_none_for_a_token(tmp_path):
    path = tmp_path / "a.tape"
    _, *plain = await measure(home=tmp_path)
    _, *others = await measure(home=tmp_path, record=Record(path, pictures=False))
    assert max(map(len, others)) <= max(map(len, plain)) + RECORDED, others[0]
    assert sum(getattr(each, "event", {}).get("event") == "token" for each in Tape(path).read_records()) == 65


def test_driver_finds_the_form_of_our_handlers_in_few_calls():
    driver = DriverSession()
    PlaywrightSession(driver).on(lambda name, params: None)  # type: ignore[arg-type]
    calls: list[str] = []
    handler = driver.callbacks["Network.dataReceived"]
    sys.setprofile(lambda frame, event, _: calls.append(frame.f_code.co_name) if event == "call" else None)
    form = inspect.signature(handler)  # Playwright does so with every event
    sys.setprofile(None)
    assert len(form.parameters) == 1
    assert len(calls) <= SIGNATURE, calls
