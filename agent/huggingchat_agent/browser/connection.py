"""nodriver's connection to a browser, for raw messages; and the CDP sessions on it.

nodriver's own `attach`, event classes and handlers are passed by: they lag behind browsers and lose
what we must not lose.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from nodriver.core.connection import Connection, ProtocolException

from huggingchat_agent.browser.cdp import refusal
from huggingchat_agent.browser.running_browser import CLOSE_SECONDS, GONE
from huggingchat_agent.errors import BrowserClosed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Receive = Callable[[str, dict[str, Any]], None]


class BrowserConnection(Connection):  # type: ignore[misc]
    """The one connection to the browser: messages in their order, to the receiver of their session.

    `receivers` are by session id; that of "" is for what the browser as a whole reports. They are
    called within the reading of the socket, and must not block.
    """

    def __init__(self, receive: Receive, lost: Callable[[], None]) -> None:
        super().__init__()
        self._lost = lost
        self.receivers: dict[str, Receive] = {"": receive}

    async def connect(self, address: str) -> None:
        self.websocket_url = address
        await self.aopen()
        self.socket.protocol.debug = False  # else a log of all modules shows what is typed and who we are
        self._listener_task.add_done_callback(lambda _: self._lost())

    async def process_event(self, message: dict[str, Any], tx_id: int | None = None) -> None:
        if receive := self.receivers.get(message.get("sessionId", "")):
            receive(message["method"], message.get("params", {}))

    async def disconnect(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.aclose()


class CdpSession:
    """One CDP session on the connection, as a `cdp.Cdp`; without an id that with the browser as a whole."""

    def __init__(self, connection: BrowserConnection, id: str = "") -> None:
        self._connection, self.id = connection, id

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._connection.socket is None:  # nodriver would connect anew
            raise BrowserClosed(GONE)
        address = {"sessionId": self.id} if self.id else {}
        try:
            # `_attach` keeps nodriver from putting a session id of its own in.
            answer: dict[str, Any] = await self._connection.send(
                _command(method, params or {}), _attach=True, **address
            )
            return answer
        except ProtocolException as error:
            said = str(error.message)
        except Exception:  # the socket is closed, in one of many ways
            said = "session closed"
        # Outside of the handler, so that the driver's error does not hang on to ours.
        raise refusal(method, said)


def _command(
    method: str, params: dict[str, Any]
) -> Generator[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A command as nodriver wants it, with the result as it came."""
    return (yield {"method": method, "params": params})
