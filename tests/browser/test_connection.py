"""The connection of the engine nodriver, without a browser."""

import subprocess
import sys

import pytest

pytest.importorskip("nodriver")

import websockets

from huggingchat_agent.browser import connection
from huggingchat_agent.browser.connection import BrowserConnection


@pytest.mark.parametrize("here", [True, False])
async def test_messages_of_a_browser_on_this_machine_are_not_compressed(here, monkeypatch):
    if not here:
        monkeypatch.setattr(connection, "is_loopback", lambda host: False)

    async def keep_open(socket):
        await socket.wait_closed()

    async with websockets.serve(keep_open, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        browser = BrowserConnection(lambda method, params: None, lambda: None)
        await browser.connect(f"ws://127.0.0.1:{port}")
        try:
            assert bool(browser.socket.protocol.extensions) is not here
        finally:
            await browser.disconnect()


def test_warnings_of_nodriver_stay_off_the_terminal():
    program = f"""
import logging
import {connection.__name__}
logging.getLogger("nodriver.core.connection").warning("received a late response")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
