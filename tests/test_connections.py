"""Streams take turns on a host that gives six connections."""

import asyncio

from huggingchat_agent.session.connections import FOR_STREAMS, Connections


async def hold(connections, count, done, waited):
    async with connections.stream(count, waited.append):
        await done.wait()


async def test_streams_queue_beyond_the_limit_and_say_so():
    waited: list[int] = []
    connections, done = Connections(), asyncio.Event()
    connections.learn("http/1.1")
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
