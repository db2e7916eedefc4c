"""nodriver's connection to a browser, for raw messages; and the CDP sessions on it.

We do not use nodriver's own `attach`, event classes and handlers: they lag behind browsers and lose messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import websockets
from nodriver.core.connection import MAX_SIZE, PING_TIMEOUT, Connection, ProtocolException

from huggingchat_agent import forks, log_records
from huggingchat_agent.browser.cdp import make_refusal
from huggingchat_agent.browser.running_browser import CLOSE_SECONDS, GONE
from huggingchat_agent.errors import BrowserClosed
from huggingchat_agent.origin import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Receive = Callable[[str, dict[str, Any]], None]


# nodriver warns about answers that come after we gave up waiting. Such warnings belong in a log, not on a
# user's terminal.
log_records.keep_off_terminal("nodriver")


class BrowserConnection(Connection):  # type: ignore[misc]  # nodriver has no types
    """The one connection to the browser. It hands each message, in order, to the receiver of its session.

    `receivers` are by session id; "" is for messages of the browser as a whole. The socket's reader calls
    them, so they must not block.
    """

    def __init__(self, receive: Receive, lost: Callable[[], None]) -> None:
        super().__init__()
        self._lost, self._process = lost, os.getpid()
        self.receivers: dict[str, Receive] = {"": receive}

    async def connect(self, address: str, seconds: float = 10.0) -> None:
        """Connect once. A browser may ask a person first, so it can take `seconds` until it answers."""
        self.websocket_url = address
        # On this machine, the browser would take longer to compress its messages than to send them.
        here = is_loopback(urlsplit(address).hostname or "")
        self.socket = await websockets.connect(
            address,
            ping_timeout=PING_TIMEOUT,
            max_size=MAX_SIZE,
            open_timeout=seconds,
            compression=None if here else "deflate",
        )
        self._listener_task = asyncio.create_task(self._listener())
        self.socket.protocol.debug = False  # else a debug log shows typed text and credentials
        forks.keep_from_children(self.socket.transport.get_extra_info("socket").fileno())
        self._listener_task.add_done_callback(lambda _: self._note_loss())

    def _note_loss(self) -> None:
        if os.getpid() == self._process:  # a forked child that leaves the loop loses nothing of its own
            self._lost()

    async def process_event(self, message: dict[str, Any], tx_id: int | None = None) -> None:
        if receive := self.receivers.get(message.get("sessionId", "")):
            receive(message["method"], message.get("params", {}))

    async def disconnect(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.aclose()


class CdpSession:
    """One CDP session on the connection, as a `cdp.Cdp`. Without an id it is the browser's own."""

    def __init__(self, connection: BrowserConnection, id: str = "") -> None:
        self._connection, self.id = connection, id

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._connection.socket is None:  # nodriver would connect again
            raise BrowserClosed(GONE)
        address = {"sessionId": self.id} if self.id else {}
        try:
            # `_attach` keeps nodriver from adding a session id of its own.
            answer: dict[str, Any] = await self._connection.send(
                _format_command(method, params or {}), _attach=True, **address
            )
            return answer
        except ProtocolException as error:
            said = str(error.message)
        except Exception:  # the socket is closed, in one of many ways
            said = "session closed"
        # Outside of the handler, so that our error has no context.
        raise make_refusal(method, said)


def _format_command(
    method: str, params: dict[str, Any]
) -> Generator[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A command in nodriver's form. Its result is returned unchanged."""
    return (yield {"method": method, "params": params})
