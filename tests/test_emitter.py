"""The emitter: order, failures, slow listeners."""

import asyncio

import pytest

from huggingchat_agent import events
from huggingchat_agent.emitter import NAMES, Emitter


def token(number):
    return events.Token(conversation_id="c", turn=1, seq=number, at=0.0, text=str(number), length=number)


async def test_async_handlers_get_events_in_order_when_earlier_ones_are_slower():
    emitter, got = Emitter(), []
    gates = [asyncio.Event() for _ in range(3)]

    @emitter.on("token")
    async def handler(event):
        await gates[event.seq].wait()
        got.append(event.seq)

    for number in range(3):
        emitter.emit(token(number))
    gates[2].set()
    gates[1].set()
    gates[0].set()
    await emitter.drain()
    assert got == [0, 1, 2]


async def test_slow_listener_loses_nothing_and_delays_nobody():
    emitter, slow, fast = Emitter(), [], []
    gate = asyncio.Event()

    @emitter.on("token")
    async def wait(event):
        await gate.wait()
        slow.append(event.seq)

    emitter.on("token", lambda event: fast.append(event.seq))
    for number in range(500):
        emitter.emit(token(number))
    assert fast == list(range(500))
    assert slow == []
    gate.set()
    await emitter.drain()
    assert slow == list(range(500))


async def test_handler_that_raises_stops_nothing_and_is_reported(caplog):
    emitter, reports, got = Emitter(), [], []
    emitter.on("handler_failed", reports.append)

    @emitter.on("token")
    def bad(event):
        raise RuntimeError("no")

    @emitter.on("token")
    async def bad_later(event):
        raise RuntimeError("nor later")

    emitter.on("token", lambda event: got.append(event.seq))
    emitter.emit(token(1))
    await emitter.drain()
    assert got == [1]
    assert [str(report.error) for report in reports] == ["no", "nor later"]
    assert reports[0].event == "token"
    assert "bad" in reports[0].handler
    assert caplog.text.count("raised") == 2


def test_handler_of_failures_that_raises_does_not_report_itself(caplog):
    emitter = Emitter()

    @emitter.on("handler_failed")
    def bad(event):
        raise RuntimeError("again")

    @emitter.on("token")
    def worse(event):
        raise RuntimeError("first")

    emitter.emit(token(1))
    reported = [record.message.rsplit(".", 2)[1] for record in caplog.records]
    assert reported == ["worse of 'token' raised", "bad of 'handler_failed' raised"]


def test_once_is_called_once_and_off_ends_a_subscription():
    emitter, got = Emitter(), []
    emitter.once("token", lambda event: got.append("once"))
    handler = emitter.on("token", lambda event: got.append("on"))
    emitter.emit(token(1))
    emitter.emit(token(2))
    emitter.off("token", handler)
    emitter.emit(token(3))
    assert got == ["once", "on", "on"]
    assert not emitter.listening("token")


def test_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"no event 'tokens'.*token"):
        Emitter().on("tokens", print)


def test_no_event_is_named_as_pyee_s_own():
    assert not {"error", "new_listener"} & set(NAMES)


async def test_handler_may_drain_the_emitter_it_is_called_by():
    emitter, got = Emitter(), []

    @emitter.on("token")
    async def handler(event):
        await emitter.drain()
        got.append(event.seq)

    emitter.emit(token(1))
    async with asyncio.timeout(5):
        await emitter.drain()
    assert got == [1]
