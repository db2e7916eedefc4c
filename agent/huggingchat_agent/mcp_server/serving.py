"""Runs the server: over stdin and stdout, or over HTTP on this machine for those who have the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggingchat_agent.serve.guard import Guard
from huggingchat_agent.serve.running import Listener

if TYPE_CHECKING:
    import socket

    from mcp.server.mcpserver import MCPServer
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from huggingchat_agent.serve.keys import Key
    from huggingchat_agent.serve.refusals import Refusal

PATH = "/mcp"


class HttpServing:
    """The server over streamable HTTP. `listening` is from `listen`, and closed at the end."""

    def __init__(self, server: MCPServer, key: Key, listening: socket.socket) -> None:
        self._server, self._socket = server, listening
        port = listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}{PATH}"
        self.answering = 0
        self.aborted = False
        app = server.streamable_http_app(streamable_http_path=PATH)
        hosts = [f"{name}:{port}" for name in ("127.0.0.1", "localhost")]
        guarded = Guard(_feed_body(app), key, hosts, _shape)
        self._listener = Listener.make(guarded)

    async def serve(self) -> None:
        """Answer until `finish`."""
        try:
            async with self._server.session_manager.run():
                await self._listener.serve(sockets=[self._socket])
        finally:
            self._socket.close()

    def finish(self) -> None:
        """End. Streams of clients end too."""
        self.abort()

    def abort(self) -> None:
        """End now."""
        self._listener.should_exit = self._listener.force_exit = True


def _shape(path: str, refusal: Refusal) -> dict[str, object]:
    return refusal.to_openai()


def _feed_body(app: ASGIApp) -> ASGIApp:
    """The guard has read the body; the app gets it again."""

    async def fed(scope: Scope, receive: Receive, send: Send) -> None:
        body: bytes | None = scope["state"]["body"]

        async def receive_again() -> Message:
            nonlocal body
            if body is None:
                return await receive()
            given, body = body, None
            return {"type": "http.request", "body": given, "more_body": False}

        await app(scope, receive_again, send)

    return fed
