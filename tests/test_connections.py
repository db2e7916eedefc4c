"""Streams take turns on a host that gives six connections."""

import asyncio

import pytest

from huggingchat_agent.session.connections import FOR_STREAMS, Connections


async def hold(connections, count, done, waited):
    async with connections.stream(count, waited.append):
        await done.wait()


@pytest.mark.parametrize("protocol", ["http/1.1", ""])  # "": no response has said it yet
async def test_streams_queue_beyond_the_limit_and_say_so(protocol):
    waited: list[int] = []
    connections, done = Connections(), asyncio.Event()
    connections.learn(protocol)
    tasks = [asyncio.create_task(hold(connections, 1, done, waited)) for _ in range(FOR_STREAMS + 2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert connections.running == FOR_STREAMS
    assert waited == [FOR_STREAMS, FOR_STREAMS]
    done.set()
    await asyncio.gather(*tasks)
    assert (connections.in_use, connections.running) == (0, 0)


async def test_streams_do_not_queue_on_http_2():
    waited: list[int] = []
    connections, done = Connections(), asyncio.Event()
    connections.learn("h2")
    tasks = [asyncio.create_task(hold(connections, 2, done, waited)) for _ in range(10)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert connections.running == 10
    assert waited == []
    done.set()
    await asyncio.gather(*tasks)


async def test_waiting_stream_that_is_cancelled_gives_its_place_up():
    waited: list[int] = []
    connections, done = Connections(), asyncio.Event()
    connections.learn("http/1.1")
    first = asyncio.create_task(hold(connections, FOR_STREAMS, done, waited))
    second = asyncio.create_task(hold(connections, 1, done, waited))
    third = asyncio.create_task(hold(connections, 1, done, waited))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    done.set()
    await asyncio.gather(first, third)
    assert (connections.in_use, connections.running) == (0, 0)


async def test_waiting_stream_that_is_cancelled_while_another_ends_costs_no_connection():
    connections, done = Connections(), asyncio.Event()
    connections.learn("http/1.1")
    tasks = [asyncio.create_task(hold(connections, 1, done, [])) for _ in range(FOR_STREAMS + 3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()  # running ones release theirs before waiting ones notice
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in outcomes] == [asyncio.CancelledError] * len(tasks)
    assert (connections.in_use, connections.running) == (0, 0)


async def test_stream_that_fits_starts_when_the_one_before_it_is_cancelled():
    connections, done = Connections(), asyncio.Event()
    connections.learn("http/1.1")
    tasks = [asyncio.create_task(hold(connections, count, done, [])) for count in (FOR_STREAMS - 1, 2, 1)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert connections.running == 1
    tasks[1].cancel()
    await asyncio.gather(tasks[1], return_exceptions=True)
    assert (connections.in_use, connections.running) == (FOR_STREAMS, 2)
    done.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (connections.in_use, connections.running) == (0, 0)
