"""The loop and the browser that all calls of a process share."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
import threading

import pytest

from huggingchat_agent.provider.background import background
from tests.provider.conftest import LLAMA, collect, filter_parts, user

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def here(provider_at, site):
    return provider_at(site)


def list_threads():
    return [each for each in threading.enumerate() if each.name == "huggingchat provider"]


async def test_relay_gives_everything_in_order_and_then_the_error():
    async def produce(owner, put):
        for number in range(1000):
            put(number)
        raise ValueError("so it is")

    got = []
    with pytest.raises(ValueError, match="so it is"):
        async for item in background.relay(produce):
            got.append(item)
    assert got == list(range(1000))


async def test_relay_left_early_awaits_the_end_of_what_it_runs():
    ended = []

    async def produce(owner, put):
        try:
            put(1)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            ended.append("in order")

    items = background.relay(produce)
    assert await anext(items) == 1
    await items.aclose()
    assert ended == ["in order"]


async def test_calls_of_two_loops_are_answered_by_one_browser(here, site):
    (auth,) = await collect(here.on_auth_async())
    before = site.control.count("GET", "/chat/$")

    def elsewhere():
        return asyncio.run(collect(here.create_authed(LLAMA, [user("there")], auth)))

    there, here_too = await asyncio.gather(
        asyncio.to_thread(elsewhere), collect(here.create_authed(LLAMA, [user("here")], auth))
    )
    assert "there" in "".join(filter_parts(str, there))
    assert "here" in "".join(filter_parts(str, here_too))
    assert len(list_threads()) == 1
    assert site.control.count("GET", "/chat/$") == before


async def test_closing_stops_what_is_answering_and_ends_the_loop_and_the_next_call_starts_another(here, site):
    (auth,) = await collect(here.on_auth_async())
    assert len(list_threads()) == 1
    answering = asyncio.create_task(collect(here.create_authed(LLAMA, [user("hold 9")], auth)))
    await asyncio.to_thread(site.control.wait_until, lambda: site.control.running, 30)
    site.control.release(0)
    await asyncio.to_thread(here.close)
    assert (await answering)[-1].reason == "interrupted"
    assert list_threads() == []
    site.control.release()
    parts = await collect(here.create_authed(LLAMA, [user("again")], auth))
    assert "again" in "".join(filter_parts(str, parts))


FORK = """
    import os, sys
    from huggingchat_agent.provider import HuggingChat

    assert len(HuggingChat.get_models()) == 3
    child = os.fork()
    if not child:
        print(HuggingChat.get_models(refresh=True)[0], flush=True)
        HuggingChat.close()
        os._exit(0)
    os.waitpid(child, 0)
    print(HuggingChat.get_models(refresh=True)[0])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_forked_child_has_a_browser_of_its_own(site, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FORK)],
        env={**os.environ, "HUGGINGCHAT_BASE_URL": site.url, "HUGGINGCHAT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ran.stdout.split() == [LLAMA, LLAMA], ran.stderr
    assert ran.returncode == 0
