"""A laptop asleep: the agent and its browser stand still for longer than a deadline."""

import asyncio
import json
import os
import signal
import sys
from typing import Any

import pytest

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat
from tests.faults.proxy import Proxy
from tests.faults.staging import PROMPT, TEXT
from tests.quick import QUICK
from tests.signed_in import save_session

pytestmark = pytest.mark.browser

ASLEEP = 3.0  # seconds, longer than the sleeper's deadlines


def children(process):
    """The process and all below it."""
    found = [process]
    for each in found:
        for task in os.listdir(f"/proc/{each}/task"):
            with open(f"/proc/{each}/task/{task}/children") as file:
                found += map(int, file.read().split())
    return found


@pytest.mark.parametrize("engine", ["playwright", pytest.param("nodriver", marks=pytest.mark.soak)])
@pytest.mark.parametrize("network", ["lost", pytest.param("kept", marks=pytest.mark.soak)])
async def test_answer_is_whole_after_the_machine_was_asleep(engine, network, tmp_path):
    with StandIn(**QUICK) as site, Proxy(site.url) as proxy:
        account: dict[str, Any] = {"username": site.username, "password": site.password}
        save_session(site, tmp_path)
        async with HuggingChat(base_url=proxy.url, home=tmp_path, **account) as chat:
            await chat.login()
        arguments = [proxy.url, str(tmp_path), engine, PROMPT.replace("every 10", "every 50")]
        sleeper = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faults.sleeper", *arguments, stdout=asyncio.subprocess.PIPE
        )
        assert sleeper.stdout is not None
        try:
            async with asyncio.timeout(60):
                assert await sleeper.stdout.readline() == b"answering\n"
            asleep = children(sleeper.pid)
            for each in asleep:
                os.kill(each, signal.SIGSTOP)
            if network == "lost":
                proxy.refuse()
            await asyncio.sleep(ASLEEP)
            proxy.restore()
            for each in asleep:
                os.kill(each, signal.SIGCONT)
            async with asyncio.timeout(60):
                found = json.loads(await sleeper.stdout.readline())
                await sleeper.wait()
        finally:
            if sleeper.returncode is None:
                sleeper.kill()
                await sleeper.wait()
        assert {name: text.rstrip() for name, text in found.items()} == {"text": TEXT, "streamed": TEXT}
