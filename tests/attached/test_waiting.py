"""Which waiter gets which answer, without a page."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from huggingchat_agent import events
from huggingchat_agent.chat.attached import Attached
from huggingchat_agent.settings import make_settings
from huggingchat_agent.traffic.traffic import Traffic


@pytest.fixture
def attached(tmp_path):
    page: Any = None
    return Attached(make_settings(base_url="http://chat.test/chat", home=tmp_path), Traffic("/chat"), page)


def begin_turn(attached, number):
    """A turn that begins now; `done` is for the test to set. Its answer is its number."""
    turn = SimpleNamespace(
        number=number, done=asyncio.Event(), answer=number, error=None, fold=SimpleNamespace(text="")
    )
    attached._publish(turn, events.Started(conversation_id="c", turn=number, seq=1, at=0.0))
    return turn


async def test_those_who_wait_at_once_get_an_answer_each(attached):
    waiting = [asyncio.create_task(attached.wait_for_answer(10)) for _ in range(2)]
    await asyncio.sleep(0)
    first = begin_turn(attached, 1)
    await asyncio.sleep(0)
    first.done.set()
    await asyncio.sleep(0)
    begin_turn(attached, 2).done.set()
    assert sorted(await asyncio.gather(*waiting)) == [1, 2]


async def test_answers_whose_time_was_over_are_handed_out_in_the_order_of_their_messages(attached):
    turns = [begin_turn(attached, number) for number in (1, 2)]
    given_up = await asyncio.gather(*(attached.wait_for_answer(0.01) for _ in turns), return_exceptions=True)
    assert [type(each) for each in given_up] == [TimeoutError, TimeoutError]
    for turn in turns:
        turn.done.set()
    assert [await attached.wait_for_answer(10) for _ in turns] == [1, 2]


async def test_answer_that_nobody_waits_for_any_more_is_kept(attached):
    turn = begin_turn(attached, 1)
    waiting = asyncio.create_task(attached.wait_for_answer())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    turn.done.set()
    assert await attached.wait_for_answer(10) == 1
