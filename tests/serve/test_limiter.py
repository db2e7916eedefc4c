"""How many answers run, wait, and begin in a minute."""

import asyncio
import time

import pytest

from huggingchat_agent.serve import limiter
from huggingchat_agent.serve.limiter import Limiter
from huggingchat_agent.serve.refusals import Refusal


async def begin(taken, times):
    async with taken.take():
        times.append(time.monotonic())


async def test_rate_limit_lets_the_others_wait_in_their_order(monkeypatch):
    monkeypatch.setattr(limiter, "MINUTE", 0.3)
    taken = Limiter(per_minute=2, queue=4)
    times: list[float] = []
    began = time.monotonic()
    await asyncio.gather(*(begin(taken, times) for _ in range(5)))
    gaps = [each - began for each in times]
    assert gaps == sorted(gaps) and gaps[2] >= 0.3 and gaps[4] >= 0.6
    assert taken.running == taken.queued == 0


async def test_queue_bounds_who_waits_for_the_rate():
    taken = Limiter(limit=1, queue=1, per_minute=1)
    await begin(taken, [])
    waiting = [asyncio.create_task(begin(taken, [])) for _ in range(2)]
    await asyncio.sleep(0)
    assert (taken.queued, taken.free) == (2, 0)
    with pytest.raises(Refusal) as found:
        await begin(taken, [])
    assert found.value.status == 429 and 60 < int(found.value.headers["retry-after"]) <= 180
    for each in waiting:
        each.cancel()
    await asyncio.wait(waiting)
    assert len(taken._begins) == 1  # those that never began do not count


async def test_rate_limit_refuses_where_it_shall():
    taken = Limiter(per_minute=1, waits=False)
    await begin(taken, [])
    with pytest.raises(Refusal, match="1 requests a minute") as found:
        await begin(taken, [])
    assert found.value.status == 429 and 1 <= int(found.value.headers["retry-after"]) <= 60
