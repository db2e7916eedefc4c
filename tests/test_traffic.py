"""Traffic: which readers get an exchange, in which order, and what they never get."""

import asyncio
from typing import Any

import pytest

from huggingchat_agent.emitter import Emitter
from huggingchat_agent.exchange import Chunk, Ended, Started
from huggingchat_agent.traffic.traffic import Traffic
from huggingchat_agent.wire import purposes

MESSAGE = "/chat/conversation/0123456789abcdef01234567"


def exchange(path="/chat/", *, id="1", method="GET", kind="document"):
    of = {"exchange_id": id, "page": "p", "at": 0.0}
    return [
        Started(**of, method=method, url=f"https://example.org{path}", kind=kind, headers={}),
        Chunk(**of, data=b"a"),
        Ended(**of),
    ]


async def test_reader_chooses_by_purpose_and_gets_the_whole_exchange():
    traffic, offered = Traffic("/chat"), []
    got: list[Any] = []

    def reader(started, purpose):
        offered.append(purpose)
        return got.append if isinstance(purpose, purposes.SendMessage) else None

    traffic.read(reader)
    message = exchange(MESSAGE, id="2", method="POST", kind="fetch")
    for one, other in zip(exchange(), message, strict=True):  # side by side
        traffic.put(one)
        traffic.put(other)
    assert got == []  # not within the call
    await traffic.wait_until_settled()
    assert got == message
    assert offered == [purposes.Document(""), purposes.SendMessage("0123456789abcdef01234567")]
    await traffic.close()


async def test_watchers_come_before_readers():
    traffic = Traffic("/chat")
    got: list[Any] = []
    traffic.read(lambda started, purpose: lambda event: got.append("reader"))
    traffic.watch(lambda event: got.append("watcher"))
    for event in exchange():
        traffic.put(event)
    await traffic.wait_until_settled()
    assert got == ["watcher", "reader"] * 3
    assert traffic._takers == {}
    await traffic.close()


@pytest.mark.parametrize(
    "path", ["/chat/login", "/oauth/authorize?state=secret", "/chat/login/callback?code=1"]
)
async def test_signing_in_reaches_neither_readers_nor_watchers(path):
    traffic = Traffic("/chat")
    got: list[Any] = []
    hidden: list[str] = []
    traffic.read(lambda started, purpose: got.append)
    traffic.watch(got.append, hidden=lambda: hidden.append(path))
    for event in exchange(path):
        traffic.put(event)
    await traffic.wait_until_settled()
    assert (got, hidden) == ([], [path])


async def test_what_one_raises_keeps_nothing_from_the_others(caplog):
    traffic = Traffic("/chat")
    got: list[Any] = []

    def broken(*seen):
        raise RuntimeError("a bug")

    traffic.read(broken)
    traffic.read(lambda started, purpose: broken)
    traffic.watch(broken)
    traffic.read(lambda started, purpose: got.append)
    for event in exchange():
        traffic.put(event)
    await traffic.wait_until_settled()
    assert got == exchange()
    assert caplog.text.count("RuntimeError: a bug") == 7
    await traffic.close()


async def test_settled_does_not_wait_for_what_comes_later():
    traffic = Traffic("/chat")
    got: list[Any] = []
    loop = asyncio.get_running_loop()

    def again(event):  # one more for each that comes
        got.append(event)
        if len(got) < 1000:
            loop.call_soon(traffic.put, event)

    traffic.watch(again)
    traffic.put(exchange()[0])
    await asyncio.wait_for(traffic.wait_until_settled(), 10)
    assert 1 <= len(got) < 1000
    await traffic.close()


async def test_closed_traffic_hands_on_what_came_before_and_nothing_after():
    traffic = Traffic("/chat")
    got: list[Any] = []
    traffic.watch(got.append)
    started, chunk, _ = exchange()
    traffic.put(started)
    await traffic.close()
    traffic.put(chunk)
    await traffic.wait_until_settled()
    await traffic.close()
    assert got == [started]
    assert len(asyncio.all_tasks()) == 1


async def test_raw_view_is_made_only_while_somebody_looks():
    traffic, emitter = Traffic("/chat"), Emitter()
    got: list[Any] = []
    traffic.show(emitter)
    started, chunk, ended = exchange()
    traffic.put(started)
    await traffic.wait_until_settled()
    emitter.on("exchange", got.append)
    traffic.put(chunk)
    traffic.put(ended)
    await traffic.wait_until_settled()
    assert [seen.exchange for seen in got] == [chunk, ended]
    await traffic.close()
