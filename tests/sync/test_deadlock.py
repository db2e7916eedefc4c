"""A thread that waits for a handler, while the handler waits for that thread, is told so."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from huggingchat_agent.errors import UsageError
from huggingchat_agent.sync import deadlock
from huggingchat_agent.sync.deadlock import Watch


def look_until_refused(handling, looks=500):
    """What a call does that waits until the handler in that thread has returned; True if it was refused."""
    watch = Watch()
    for _ in range(looks):
        try:
            watch.look(handling)
        except UsageError as error:
            assert "A handler waits for this thread" in str(error)
            return True
        time.sleep(0.002)
    return False


def run_handler(handler):
    thread = threading.Thread(target=handler)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_thread_that_the_handler_joins_is_refused():
    refused = []

    def handler():
        me = threading.get_ident()
        other = threading.Thread(target=lambda: refused.append(look_until_refused(me)))
        other.start()
        other.join()

    run_handler(handler)
    assert refused == [True]


@pytest.mark.parametrize("wait", ["result", "block"])
def test_work_whose_result_the_handler_waits_for_is_refused(wait):
    refused = []

    def handler():
        me = threading.get_ident()
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(lambda: refused.append(look_until_refused(me)))
            if wait == "result":
                future.result()

    run_handler(handler)
    assert refused == [True]


def test_handler_that_waits_for_something_unknown_is_doubted_for_a_while(monkeypatch):
    monkeypatch.setattr(deadlock, "DOUBTFUL_LOOKS", 5)
    done = threading.Event()
    handler = threading.Thread(target=done.wait)
    handler.start()
    watch, me = Watch(), handler.ident or 0
    for _ in range(4):
        watch.look(me)
    with pytest.raises(UsageError, match="A handler waits for this thread"):
        watch.look(me)
    done.set()
    handler.join()


def test_handler_that_works_is_waited_for():
    done = threading.Event()

    def work():
        while not done.is_set():
            sum(range(1000))

    handler = threading.Thread(target=work)
    handler.start()
    assert not look_until_refused(handler.ident, looks=100)
    done.set()
    handler.join()


COLLECT_WHILE_LOOKING = """
import gc, threading
from huggingchat_agent.sync.deadlock import Watch

watch = Watch()
gc.set_threshold(3, 1, 1)
for _ in range(500):
    # What frees one of these takes the lock that Python holds while it lists the threads.
    local = threading.local()
    local.itself = local
    del local
    watch.look(threading.get_ident())
"""


def test_collection_while_it_looks_is_no_deadlock():
    subprocess.run([sys.executable, "-c", COLLECT_WHILE_LOOKING], check=True, timeout=30)
