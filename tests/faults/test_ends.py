"""Programs that end in the middle of an answer: the run is stopped, and nothing is left."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from fixtures.site import StandIn
from huggingchat_agent.browser import process_tag
from tests.quick import QUICK

pytestmark = pytest.mark.browser

ASYNC = """
    import asyncio, sys
    from huggingchat_agent import HuggingChat

    async def main():
        async with HuggingChat(via="page") as chat:
            await chat.login()
            print(chat._session.browser.tag, flush=True)
            conversation = await chat.new_conversation()
            conversation.on("token", on_token)
            await conversation.send("count 3000 every 10")

    def on_token(event):
        {handler}

    asyncio.run(main())
"""
SYNC = """
    import sys
    from huggingchat_agent.sync import HuggingChat

    def on_token(event):
        {handler}

    with HuggingChat(via="page") as chat:
        chat.login()
        print(chat._inner._session.browser.tag, flush=True)
        conversation = chat.new_conversation()
        conversation.on("token", on_token)
        conversation.send("count 3000 every 10").result()
"""


@pytest.fixture(scope="module")
def site():
    with StandIn("", **QUICK) as site:
        yield site


TERMINATED, EXITS = ("pass", 128 + signal.SIGTERM), ("sys.exit(7)", 7)
INTERRUPTS = ("raise KeyboardInterrupt", -signal.SIGINT)


# By default each end once, and each API once.
@pytest.mark.parametrize(
    ("program", "handler", "code"),
    [
        pytest.param(ASYNC, *TERMINATED, id="async-terminated"),
        pytest.param(SYNC, *EXITS, id="sync-exits"),
        pytest.param(SYNC, *TERMINATED, marks=pytest.mark.soak, id="sync-terminated"),
        pytest.param(ASYNC, *EXITS, marks=pytest.mark.soak, id="async-exits"),
        pytest.param(ASYNC, *INTERRUPTS, marks=pytest.mark.soak, id="async-interrupts"),
        pytest.param(SYNC, *INTERRUPTS, marks=pytest.mark.soak, id="sync-interrupts"),
    ],
)
def test_program_ends_in_order(site, tmp_path, program, handler, code):
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HUGGINGCHAT_")},
        "HUGGINGCHAT_BASE_URL": site.url,
        "HUGGINGCHAT_HOME": str(tmp_path / "state"),
        "HUGGINGCHAT_USERNAME": site.username,
        "HUGGINGCHAT_PASSWORD": site.password,
        "HUGGINGCHAT_LOGIN_ORIGINS": site.login_origin,
    }
    command = [sys.executable, "-c", textwrap.dedent(program).format(handler=handler)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        tag = process.stdout.readline().strip()
        if handler == "pass":
            site.control.wait_until(lambda: site.control.running, timeout=30)
            process.terminate()
        began = time.monotonic()
        assert process.wait(30) == code
        if handler == "pass":
            assert time.monotonic() - began < 10
    newest = site.control.conversations()[0]["id"]
    assert site.control.conversation(newest)["messages"][-1]["interrupted"] is True
    assert not site.control.running
    assert process_tag.find_processes(tag) == []
