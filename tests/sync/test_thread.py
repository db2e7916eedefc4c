"""The loop in a thread of its own: who runs what where, and how a wait ends."""

import asyncio
import os
import signal
import subprocess
import sys
import threading

import pytest

from huggingchat_agent.errors import UsageError
from huggingchat_agent.sync.thread import LoopThread


@pytest.fixture
def thread():
    thread = LoopThread("under test")
    yield thread
    thread.stop()
    assert thread.over


async def returns(value):
    return value


async def posts(thread, *pieces):
    for piece in pieces:
        thread.post(piece)


def test_run_returns_what_the_coroutine_returns(thread):
    assert thread.run(returns(3)) == 3


def test_run_raises_what_the_coroutine_raises(thread):
    async def fails():
        raise ValueError("so it is")

    with pytest.raises(ValueError, match="so it is"):
        thread.run(fails())


def test_coroutines_run_in_another_thread(thread):
    async def where():
        return threading.get_ident()

    assert thread.run(where()) != threading.get_ident()


def test_posted_work_is_done_by_the_waiting_thread_before_the_wait_ends(thread):
    done = []

    def work(number):
        return lambda: done.append((number, threading.get_ident()))

    thread.run(posts(thread, *(work(number) for number in range(100))))
    assert done == [(number, threading.get_ident()) for number in range(100)]


def test_posted_work_waits_until_somebody_waits(thread):
    done, posted = [], threading.Event()

    async def post():
        thread.post(lambda: done.append(1))
        posted.set()

    job = thread.submit(post())
    assert posted.wait(5)
    assert done == []
    thread.wait(job)
    assert done == [1]


def test_work_that_waits_itself_gets_its_answer(thread):
    got = []
    thread.run(posts(thread, lambda: got.append(thread.run(returns("inner"))), lambda: got.append("next")))
    assert got == ["inner", "next"]


def test_work_that_raises_leaves_through_the_wait_and_the_rest_is_kept(thread):
    done = []

    def raises():
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        thread.run(posts(thread, raises, lambda: done.append(1)))
    assert done == []
    thread.run(returns(None))
    assert done == [1]


def test_work_is_done_one_at_a_time_when_several_threads_wait(thread):
    busy, overlaps, order = threading.Lock(), [], []

    def work(number):
        def do():
            if not busy.acquire(blocking=False):
                overlaps.append(number)
                return
            order.append(number)
            busy.release()

        return do

    async def slowly():
        for number in range(200):
            thread.post(work(number))
            await asyncio.sleep(0)

    waiting = [threading.Thread(target=lambda: thread.run(slowly())) for _ in range(3)]
    for each in waiting:
        each.start()
    for each in waiting:
        each.join()
    assert not overlaps
    assert len(order) == 600


def test_interrupt_cancels_what_was_waited_for_and_waits_for_its_end(thread):
    steps = []

    async def stubborn():
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            steps.append("ended in order")

    with pytest.raises(KeyboardInterrupt):
        thread.run(stubborn())
    assert steps == ["ended in order"]
    assert thread.run(returns("goes on")) == "goes on"


def test_second_interrupt_does_not_wait(thread):
    async def hopeless():
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.Event().wait()
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(30)

    with pytest.raises(KeyboardInterrupt):
        thread.run(hopeless())


def test_run_gives_up_when_the_time_is_over(thread):
    with pytest.raises(TimeoutError):
        thread.run(asyncio.sleep(30), timeout=0.05)


def test_run_is_refused_when_the_loop_has_ended():
    thread = LoopThread("ended")
    thread.stop()
    with pytest.raises(UsageError, match="closed"):
        thread.run(returns(1))


def test_wait_ends_when_the_loop_ends():
    thread = LoopThread("ending")
    threading.Timer(0.05, thread.stop).start()
    with pytest.raises(UsageError, match="closed"):
        thread.wait_until(lambda: False)


def test_loop_ends_where_no_thread_can_be_started_any_more(thread, monkeypatch):
    """As at the end of the interpreter, from Python 3.12 on."""

    def refuse(self):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    reported: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)
    thread.run(asyncio.to_thread(int))
    monkeypatch.setattr(threading.Thread, "start", refuse)
    thread.stop()
    assert thread.over
    assert reported == []


LEFT_OPEN = """
import asyncio, atexit
from huggingchat_agent.sync.thread import LoopThread

thread = LoopThread("left open")
thread.run(asyncio.to_thread(int))

@atexit.register
def stop():
    print(thread.run(asyncio.to_thread(int, "7")))
    thread.stop()
"""


def test_loop_that_is_left_open_ends_with_the_interpreter():
    ran = subprocess.run([sys.executable, "-c", LEFT_OPEN], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "7\n", "")


async def test_run_works_beside_a_running_loop(thread):
    assert thread.run(returns("beside")) == "beside"
