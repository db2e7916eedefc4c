"""A tool server (MCP over HTTP) on loopback, with one tool, for those who know its header."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

HEADER = "X-Key"

LOUD_ECHO = {
    "name": "loud_echo",
    "description": "Gives the text back in capitals.",
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
}


class ToolHost:
    """Runs in a thread, from `with` to its end. `heard` are the methods that came with the right header."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.heard: list[str] = []
        self.refused = 0
        handler = type("Bound", (_Handler,), {"host": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/mcp"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    host: ClassVar[ToolHost]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get(HEADER) != self.host.key:
            self.host.refused += 1
            return self._answer(401, {"error": "unauthorized"})
        message = json.loads(body)
        self.host.heard.append(message["method"])
        if "id" not in message:
            return self._answer(202, None)
        result = self._act(message["method"], message.get("params") or {})
        if result is None:
            error = {"code": -32601, "message": "Method not found"}
            return self._answer(200, {"jsonrpc": "2.0", "id": message["id"], "error": error})
        self._answer(200, {"jsonrpc": "2.0", "id": message["id"], "result": result})

    def do_GET(self) -> None:
        self._answer(405, None)

    do_DELETE = do_GET

    def _act(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        if method == "initialize":
            about = {"name": "shouting", "version": "1"}
            version = params.get("protocolVersion", "2025-06-18")
            return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about}
        if method == "tools/list":
            return {"tools": [LOUD_ECHO]}
        if method == "tools/call":
            text = str((params.get("arguments") or {}).get("text", "")).upper()
            return {"content": [{"type": "text", "text": text}], "isError": False}
        return {} if method == "ping" else None

    def _answer(self, status: int, value: Any) -> None:
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
