"""CDP messages as Chromium sends them, and a browser that can only do what Chromium does.

`Browser` runs requests and answers commands. What it sends is in order; what a driver makes of it is
not: an answer resolves something that is looked at later than the events around it. So events are
delivered in order, and answers at any time after the command was carried out.
"""

from base64 import b64encode
from functools import partial
from typing import Any, NamedTuple


def event(method: str, **params: Any) -> dict[str, Any]:
    domain = "" if "." in method else "Network."
    return {"method": f"{domain}{method}", "params": params}


def request(
    request_id: str = "1",
    url: str = "https://chat.test/conversation/6b01",
    *,
    method: str = "POST",
    kind: str = "Fetch",
    frame: str = "F",
    loader: str = "L",
    redirect: dict[str, Any] | None = None,
    **extra: Any,
) -> dict[str, Any]:
    made = {"url": url, "method": method, "headers": {"Content-Type": "text/plain"}, **extra}
    more = {} if redirect is None else {"redirectResponse": redirect}
    return event(
        "requestWillBeSent",
        requestId=request_id,
        request=made,
        type=kind,
        frameId=frame,
        loaderId=loader,
        **more,
    )


def make_response(status: int = 200, mime: str = "application/jsonl", **extra: Any) -> dict[str, Any]:
    head = {"status": status, "mimeType": mime, "charset": "", "headers": {"Content-Type": mime}}
    return {**head, "protocol": "h2", "fromDiskCache": False, **extra}


def response(request_id: str = "1", status: int = 200, mime: str = "application/jsonl", **extra: Any):
    return event("responseReceived", requestId=request_id, response=make_response(status, mime, **extra))


def data(size: int, content: bytes | None = None, request_id: str = "1") -> dict[str, Any]:
    more = {} if content is None else {"data": b64encode(content).decode()}
    return event("dataReceived", requestId=request_id, dataLength=size, encodedDataLength=size, **more)


def finished(request_id: str = "1") -> dict[str, Any]:
    return event("loadingFinished", requestId=request_id, encodedDataLength=1)


def failed(request_id: str = "1", error: str = "net::ERR_CONNECTION_RESET", *, canceled: bool = False):
    return event("loadingFailed", requestId=request_id, errorText=error, canceled=canceled, type="Fetch")


def navigated(loader: str, frame: str = "F", **extra: Any) -> dict[str, Any]:
    return event("Page.frameNavigated", frame={"id": frame, "loaderId": loader, **extra}, type="Navigation")


class Script(NamedTuple):
    """What one request does: the pieces of its body, whether it breaks after them, and its kind."""

    pieces: list[bytes]
    breaks: bool = False
    mime: str = "application/jsonl"
    posts: bytes | None = None
    inline: bool = True  # the event carries what is posted
    redirected: bool = False


class Browser:
    """Runs the scripts side by side. `step(n)` does one thing of request n; `carry_out` one command."""

    def __init__(self, scripts: list[Script]) -> None:
        self.events: list[dict[str, Any]] = []  # sent, not delivered
        self.answers: list[dict[str, Any]] = []
        self.commands: list[Any] = []  # received, not carried out
        self._requests = {str(number): _Running(str(number), script) for number, script in enumerate(scripts)}

    def busy(self) -> list[str]:
        return [name for name, running in self._requests.items() if running.left]

    def step(self, name: str) -> None:
        self.events += self._requests[name].left.pop(0)()

    def carry_out(self) -> None:
        command = self.commands.pop(0)
        running = self._requests[command.params["requestId"]]
        outcome = getattr(running, command.method.removeprefix("Network."))()
        self.answers.append({"id": command.id, **outcome})


class _Running:
    def __init__(self, name: str, script: Script) -> None:
        self.name, self.script = name, script
        self.received = b""
        self.streaming = self.over = False
        self.left = [self._begin, *([self._redirect] if script.redirected else []), self._respond]
        self.left += [partial(self._receive, piece) for piece in script.pieces]
        self.left.append(self._end)

    def _begin(self) -> list[dict[str, Any]]:
        posts = self.script.posts
        extra: dict[str, Any] = {} if posts is None else {"hasPostData": True}
        if posts is not None and self.script.inline:
            extra["postDataEntries"] = [{"bytes": b64encode(posts).decode()}]
        return [request(self.name, f"https://chat.test/{self.name}", **extra)]

    def _redirect(self) -> list[dict[str, Any]]:
        hop = make_response(302, "", headers={"Location": "/next"})
        return [request(self.name, f"https://chat.test/{self.name}/next", method="GET", redirect=hop)]

    def _respond(self) -> list[dict[str, Any]]:
        return [response(self.name, mime=self.script.mime)]

    def _receive(self, piece: bytes) -> list[dict[str, Any]]:
        self.received += piece
        return [data(len(piece), piece if self.streaming and piece else None, self.name)]

    def _end(self) -> list[dict[str, Any]]:
        self.over = True
        return [failed(self.name) if self.script.breaks else finished(self.name)]

    def streamResourceContent(self) -> dict[str, Any]:
        if self.over:
            return _error("Request with the provided ID has already finished loading")
        self.streaming = True
        return {"result": {"bufferedData": b64encode(self.received).decode()}}

    def getResponseBody(self) -> dict[str, Any]:
        if self.script.breaks or not self.over:
            return _error("No data found for resource with given identifier")
        return {"result": {"body": b64encode(self.received).decode(), "base64Encoded": True}}

    def getRequestPostData(self) -> dict[str, Any]:
        posts = self.script.posts or b""
        return {"result": {"postData": b64encode(posts).decode(), "base64Encoded": True}}


def _error(message: str) -> dict[str, Any]:
    return {"error": {"code": -32000, "message": message}}
