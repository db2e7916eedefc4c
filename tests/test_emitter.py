"""The emitter: order, failures, slow listeners."""

import asyncio
import functools
import json
from typing import Any

import msgspec
import pyee
import pytest

from huggingchat_agent import events, handler_queue, sync
from huggingchat_agent.emitter import NAMES, Emitter
from huggingchat_agent.errors import UsageError
from huggingchat_agent.redact import Secret
from huggingchat_agent.sync.handlers import Handlers


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
    await emitter._drain_handlers()
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
    await emitter._drain_handlers()
    assert slow == list(range(500))


async def test_slow_handler_of_one_conversation_does_not_delay_another():
    emitter, got = Emitter(), []
    gate = asyncio.Event()

    @emitter.on("token")
    async def handler(event):
        if event.conversation_id == "slow":
            await gate.wait()
        got.append((event.conversation_id, event.seq))

    for number in range(3):
        emitter.emit(msgspec.structs.replace(token(number), conversation_id="slow"))
        emitter.emit(token(number))
    await asyncio.wait_for(emitter._drain_handlers(conversation_id="c"), 10)
    assert got == [("c", 0), ("c", 1), ("c", 2)]
    gate.set()
    await emitter._drain_handlers()
    assert got[3:] == [("slow", 0), ("slow", 1), ("slow", 2)]


async def test_full_queue_loses_no_text_and_stays_small(monkeypatch):
    monkeypatch.setattr(handler_queue, "FULL", 4)
    emitter = Emitter()
    got: list[events.Token] = []
    gate = asyncio.Event()

    @emitter.on("token")
    async def handler(event):
        await gate.wait()
        got.append(event)

    for number in range(100):
        emitter.emit(token(number))
    emitter.emit(msgspec.structs.replace(token(100), turn=2))
    drained = asyncio.create_task(emitter._drain_handlers())
    gate.set()
    await drained
    assert "".join(each.text for each in got) == "".join(map(str, range(101)))
    assert [each.seq for each in got] == [0, 1, 2, 99, 100]
    assert [each.length for each in got][-2:] == [99, 100]


async def test_overfull_queue_leaves_events_out_says_so_once_and_keeps_the_end(monkeypatch):
    monkeypatch.setattr(handler_queue, "FULL", 2)
    monkeypatch.setattr(handler_queue, "OVERFULL", 5)
    emitter, got = Emitter(), []
    reports: list[events.HandlerFailed] = []
    gate = asyncio.Event()
    emitter.on("handler_failed", reports.append)

    async def handler(event):
        await gate.wait()
        got.append(event.seq)

    emitter.on("status", handler)
    emitter.on("finished", handler)
    common: dict[str, Any] = {"conversation_id": "c", "turn": 1, "at": 0.0}
    for number in range(20):
        emitter.emit(events.Status(**common, seq=number, status="busy"))
    for number in range(20, 30):
        emitter.emit(events.Finished(**common, seq=number))
    gate.set()
    await emitter._drain_handlers()
    assert sorted(got) == [0, 1, 2, 3, 4, *range(20, 30)]
    assert [report.handled for report in reports] == ["status"]
    assert "misses further ones" in str(reports[0].error)


async def test_drain_does_not_wait_for_what_is_handed_over_later():
    emitter = Emitter()
    gates = [asyncio.Event() for _ in range(2)]

    @emitter.on("token")
    async def handler(event):
        await gates[event.seq].wait()

    emitter.emit(token(0))
    drained = asyncio.create_task(emitter._drain_handlers())
    await asyncio.sleep(0)  # it waits by now
    emitter.emit(token(1))
    gates[0].set()
    await asyncio.wait_for(drained, 10)
    gates[1].set()
    await emitter._drain_handlers()


@pytest.mark.parametrize("how", ["once", "off"])
async def test_drain_waits_for_a_handler_that_is_not_subscribed_any_more(how):
    emitter, got = Emitter(), []
    gate = asyncio.Event()

    async def handler(event):
        await gate.wait()
        got.append(event.seq)

    subscribe = emitter.once if how == "once" else emitter.on
    subscribe("token", handler)
    emitter.emit(token(1))
    emitter.off("token", handler)
    drained = asyncio.create_task(emitter._drain_handlers())
    await asyncio.sleep(0)
    gate.set()
    await asyncio.wait_for(drained, 10)
    assert got == [1]


async def test_drain_names_the_handler_it_does_not_wait_for_and_lets_all_others_go(caplog):
    emitter, got = Emitter(), []
    gate, called_again = asyncio.Event(), asyncio.Event()

    @emitter.on("token")
    async def stuck(event):
        await gate.wait()
        if event.seq == 2:
            called_again.set()

    @emitter.on("token")
    async def quick(event):
        got.append("quick")

    emitter.emit(token(1))
    unbounded = asyncio.create_task(emitter._drain_handlers())
    await asyncio.sleep(0)
    await emitter._drain_handlers(within=0.01)
    await asyncio.wait_for(unbounded, 10)
    assert "stuck" in caplog.text and "quick" not in caplog.text
    emitter.emit(token(2))
    await asyncio.wait_for(emitter._drain_handlers(), 10)  # nor is it waited for later
    gate.set()
    await asyncio.wait_for(called_again.wait(), 10)
    assert got == ["quick", "quick"]


async def test_handler_that_raises_stops_nothing_and_is_reported(caplog):
    emitter, got = Emitter(), []
    reports: list[events.HandlerFailed] = []
    emitter.on("handler_failed", reports.append)

    @emitter.on("token")
    def bad(event):
        raise RuntimeError("no")

    @emitter.on("token")
    async def bad_later(event):
        raise RuntimeError("nor later")

    emitter.on("token", lambda event: got.append(event.seq))
    emitter.emit(token(1))
    await emitter._drain_handlers()
    assert got == [1]
    assert [str(report.error) for report in reports] == ["no", "nor later"]
    assert reports[0].handled == "token"
    assert "bad" in reports[0].handler
    assert caplog.text.count("raised") == 2


def test_failed_handler_as_json_names_what_it_handled_and_keeps_secrets():
    emitter, lines = Emitter(), []
    emitter.on("handler_failed", lambda event: lines.append(json.loads(events.to_json(event))))
    secret = Secret("correct horse")

    @emitter.on("token")
    def bad(event):
        raise RuntimeError(f"not with {secret.reveal()} of ada@example.org")

    emitter.emit(token(1))
    (record,) = lines
    assert (record["event"], record["handled"]) == ("handler_failed", "token")
    assert record["error"] == "RuntimeError: not with [redacted] of [redacted]"


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
    assert not emitter._listening("token")


def test_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"no event 'tokens'.*token"):
        Emitter().on("tokens", print)


def test_no_event_is_named_as_pyee_s_own():
    assert not {"error", "new_listener"} & set(NAMES)


async def test_handler_may_drain_the_emitter_it_is_called_by():
    emitter, got = Emitter(), []

    @emitter.on("token")
    async def handler(event):
        await emitter._drain_handlers()
        got.append(event.seq)

    emitter.emit(token(1))
    async with asyncio.timeout(5):
        await emitter._drain_handlers()
    assert got == [1]


async def test_handler_that_awaits_something_cancelled_is_reported_and_goes_on():
    emitter, got = Emitter(), []
    reports: list[events.HandlerFailed] = []
    emitter.on("handler_failed", reports.append)

    @emitter.on("token")
    async def handler(event):
        got.append(event.seq)
        if event.seq == 0:
            other = asyncio.create_task(asyncio.sleep(0))
            other.cancel()
            await other

    async with asyncio.timeout(5):
        for number in range(3):
            emitter.emit(token(number))
        await emitter._drain_handlers()
        emitter.emit(token(3))
        await emitter._drain_handlers()
    assert got == [0, 1, 2, 3]
    assert [type(report.error) for report in reports] == [asyncio.CancelledError]


@pytest.mark.parametrize("early", [True, False])
async def test_emitter_works_on_when_the_task_of_a_handler_was_cancelled(early):
    emitter, got = Emitter(), []

    @emitter.on("token")
    async def handler(event):
        if event.seq < 2:
            await asyncio.Event().wait()
        got.append(event.seq)

    others = asyncio.all_tasks()
    emitter.emit(token(0))
    emitter.emit(token(1))
    if not early:
        await asyncio.sleep(0)
    (task,) = asyncio.all_tasks() - others
    task.cancel()
    async with asyncio.timeout(5):
        await emitter._drain_handlers()
        emitter.emit(token(2))
        await emitter._drain_handlers()
    assert got == [2]


async def test_event_handed_over_while_the_task_of_a_handler_ends_is_not_lost():
    emitter, got = Emitter(), []

    @emitter.on("token")
    async def handler(event):
        got.append(event.seq)

    for number in range(20):
        emitter.emit(token(number))
        for _ in range(number % 5):
            await asyncio.sleep(0)
    await emitter._drain_handlers()
    assert got == list(range(20))


@pytest.mark.parametrize("gathered", [False, True])
async def test_handlers_that_drain_do_not_wait_for_each_other(gathered):
    emitter, got = Emitter(), []

    async def handler(event):
        await (
            asyncio.gather(emitter._drain_handlers(), emitter._drain_handlers())
            if gathered
            else emitter._drain_handlers()
        )
        got.append(event.seq)

    class Second:
        async def handle(self, event):
            await handler(event)

    emitter.on("token", handler)
    emitter.on("token", Second().handle)
    emitter.emit(token(1))
    async with asyncio.timeout(5):
        await emitter._drain_handlers()
    assert got == [1, 1]


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
async def test_end_of_the_program_comes_out_of_emit_after_the_other_handlers(end):
    emitter, got, later = Emitter(), [], []

    @emitter.on("token")
    def handler(event):
        if event.seq == 1:
            raise end

    emitter.on("token", lambda event: got.append(event.seq))

    @emitter.on("token")
    async def slow(event):
        later.append(event.seq)

    with pytest.raises(end):
        emitter.emit(token(1))
    emitter.emit(token(2))
    await emitter._drain_handlers()
    assert got == later == [1, 2]


def test_sync_handler_in_which_something_cancelled_turns_up_is_reported():
    emitter = Emitter()
    reports: list[events.HandlerFailed] = []
    emitter.on("handler_failed", reports.append)

    @emitter.on("token")
    def handler(event):
        raise asyncio.CancelledError

    emitter.emit(token(1))
    assert [type(report.error) for report in reports] == [asyncio.CancelledError]


async def test_failed_handler_is_reported_upstream_once_each():
    top = Emitter()
    middle = Emitter(upstream=top)
    bottom = Emitter(upstream=middle)
    reports = []
    for name, emitter in (("top", top), ("middle", middle), ("bottom", bottom)):

        @emitter.on("handler_failed")
        def hear(event, name=name):
            reports.append((name, str(event.error)))

    @bottom.on("token")
    def bad(event):
        raise RuntimeError("low")

    @middle.on("token")
    async def worse(event):
        raise RuntimeError("high")

    bottom.emit(token(1), bubbles=False)
    assert reports == [("bottom", "low"), ("middle", "low"), ("top", "low")]
    reports.clear()
    middle.emit(token(1))
    await middle._drain_handlers()
    assert reports == [("middle", "high"), ("top", "high")]


def test_once_is_called_once_when_a_handler_emits_the_same_event():
    emitter, got = Emitter(), []

    @emitter.on("token")
    def again(event):
        if event.seq == 1:
            emitter.emit(token(2))

    emitter.once("token", lambda event: got.append(event.seq))
    emitter.emit(token(1))
    assert got == [2]


def test_event_reaches_the_handlers_upstream_after_those_here():
    top = Emitter()
    bottom = Emitter(upstream=Emitter(upstream=top))
    got: list[str] = []
    top.on("token", lambda event: got.append(f"top {event.seq}"))
    bottom.on("token", lambda event: got.append(f"bottom {event.seq}"))
    assert bottom.emit(token(1))
    assert bottom.emit(token(2), bubbles=False)
    assert top.emit(token(3))
    assert got == ["bottom 1", "top 1", "bottom 2", "top 3"]


def test_end_of_the_program_comes_out_after_the_handlers_upstream():
    top = Emitter()
    bottom = Emitter(upstream=top)
    got: list[object] = []
    top.on("token", got.append)

    @bottom.on("token")
    def handler(event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bottom.emit(token(1))
    assert got == [token(1)]


async def test_drain_upstream_waits_for_the_handlers_there():
    top, got = Emitter(), []
    gate = asyncio.Event()

    @top.on("token")
    async def handler(event):
        await gate.wait()
        got.append(event.seq)

    bottom = Emitter(upstream=top)
    bottom.emit(token(1))
    await bottom._drain_handlers()
    assert got == []
    drained = asyncio.create_task(bottom._drain_handlers(upstream=True))
    await asyncio.sleep(0)
    gate.set()
    await asyncio.wait_for(drained, 10)
    assert got == [1]


def test_emitter_is_one_of_pyee_with_its_names():
    emitter, got = Emitter(), []
    assert isinstance(emitter, pyee.EventEmitter)

    @emitter.listens_to("token")
    def first(event):
        got.append(("first", event.seq))

    def second(event):
        got.append(("second", event.seq))

    assert emitter.add_listener("token", second) is second
    emitter.once("title", first)
    assert emitter.listeners("token") == [first, second]
    assert emitter.listeners("finished") == []
    assert emitter.event_names() == {"token", "title"}
    assert emitter.emit("token", token(1))
    assert got == [("first", 1), ("second", 1)]
    emitter.remove_listener("token", first)
    emitter.remove_listener("token", first)
    assert emitter.listeners("token") == [second]
    emitter.remove_all_listeners("token")
    assert emitter.event_names() == {"title"}
    emitter.remove_all_listeners()
    assert emitter.event_names() == set()
    assert not emitter.emit(token(2))


def test_watcher_comes_first_and_users_cannot_remove_it():
    emitter, got = Emitter(), []
    emitter.on("token", lambda event: got.append("handler"))
    emitter._watch(["token", "title"], lambda event: got.append("watcher"))
    assert len(emitter.listeners("token")) == 1
    assert emitter.event_names() == {"token"}
    emitter.emit(token(1))
    emitter.remove_all_listeners()
    emitter.emit(token(2))
    assert got == ["watcher", "handler", "watcher"]


def test_sync_objects_have_the_names_of_an_emitter():
    own = {"drain", "emit", "listening", "upstream", "watch"}
    names = {name for name in (*dir(pyee.EventEmitter), *dir(Emitter)) if not name.startswith("_")}
    assert not names - own - set(dir(sync.HuggingChat))
    chat = sync.HuggingChat()
    handler = chat.add_listener("token", print)
    assert (chat.listeners("token"), chat.event_names()) == ([print], {"token"})
    chat.remove_listener("token", handler)
    chat.listens_to("title")(print)
    chat.remove_all_listeners("title")
    assert chat.event_names() == set()


async def test_handler_that_raises_each_time_has_one_traceback_and_then_a_count(caplog):
    emitter = Emitter()
    reports: list[events.HandlerFailed] = []
    emitter.on("handler_failed", reports.append)

    @emitter.on("token")
    def bad(event):
        raise RuntimeError("no")

    @emitter.on("title")
    @emitter.on("token")
    async def worse(event):
        raise RuntimeError("nor later")

    for number in range(116):
        emitter.emit(token(number))
    emitter.emit(events.Title(conversation_id="c", turn=1, seq=1, at=0.0, title="Hello"))
    await emitter._drain_handlers()
    assert len(reports) == 2 * 116 + 1
    assert sum(record.exc_info is not None for record in caplog.records) == 3
    counted = [record.message.rpartition("token' ")[2] for record in caplog.records if not record.exc_info]
    assert sorted(counted) == ["raised 10 times so far."] * 2 + ["raised 100 times so far."] * 2


class _Handler:
    def __call__(self, event):
        raise RuntimeError("no")


@pytest.mark.parametrize("is_sync", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda: lambda event: 1 / 0,
        lambda: functools.partial(lambda divisor, event: 1 / divisor, 0),
        _Handler,
        lambda: _Handler().__call__,
    ],
    ids=["function", "partial", "object", "method"],
)
def test_handler_made_for_each_reply_has_one_traceback_per_chat(is_sync, make, caplog):
    chat = Emitter()
    for _ in range(10):
        reply = Emitter(upstream=Emitter(upstream=chat))
        shown = Handlers(reply) if is_sync else reply
        shown.once("token", make())
        (shown._emitter if isinstance(shown, Handlers) else shown).emit(token(1))
    assert [record.exc_info is not None for record in caplog.records] == [True, False]
    assert caplog.records[-1].message.endswith("of 'token' raised 10 times so far.")
    assert "object at" not in caplog.text


@pytest.mark.parametrize("subscribe", [Emitter().on, Emitter().once, sync.HuggingChat().on])
def test_handler_that_cannot_be_called_is_refused_in_a_sentence(subscribe):
    async def pieces(event):
        yield event

    def whole(event):
        yield event

    with pytest.raises(UsageError, match="'token' is 'x'; give a function"):
        subscribe("token", "x")
    for generator in (pieces, whole):
        with pytest.raises(UsageError, match="'token' is a generator, which would never run"):
            subscribe("token")(generator)
