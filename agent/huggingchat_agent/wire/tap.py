"""The live tap: CDP messages in, exchange events and commands out. It does no I/O.

The owner of the connection sends `make_opening_commands()` and subscribes to `EVENTS`. It hands each event to
`take_event` and each answer to a command to `take_answer`, sends the commands it gets back, and calls `close`
when the tab is gone. The tap neither changes the page nor slows it down.

It takes bodies in one of three ways:

* Streams (a chat answer, fetched) by `Network.streamResourceContent`: the browser answers with what
  it has, and from then on every `dataReceived` carries its bytes.
* Other fetched bodies and documents by `Network.getResponseBody` when they are complete. So does a stream
  that ended before the command reached it. It never works after a failure.
* Server-sent events read by the page's own EventSource come as messages, without bytes.

Measured on Chromium, and the reason for some of what follows:

* A navigation or a reload ends the requests of the old document without any `loadingFailed`;
  `Page.frameNavigated` is the only sign of it.
* The browser decodes a text body without a charset from windows-1252, whatever it is.
* `postData` is lossy for binary bodies (`postDataEntries` is not) and missing for forms with files.
"""

from __future__ import annotations

from binascii import a2b_base64
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.exchange import Chunk, Ended, ExchangeEvent, Failed, Responded, SseMessage, Started
from huggingchat_agent.wire.charset import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = Callable[["_Open", dict[str, Any] | None, str, float], None]

# In bytes. Without buffers an answer loses its beginning and still ends cleanly.
BUFFERS = {
    "maxTotalBufferSize": 100_000_000,
    "maxResourceBufferSize": 50_000_000,
    "maxPostDataSize": 50_000_000,
}

# The events to subscribe to where a driver wants their names.
EVENTS = (
    "Network.requestWillBeSent",
    "Network.requestServedFromCache",
    "Network.responseReceived",
    "Network.dataReceived",
    "Network.eventSourceMessageReceived",
    "Network.loadingFinished",
    "Network.loadingFailed",
    "Page.frameNavigated",
)

STREAMS = ("application/jsonl", "text/event-stream")  # the latter before 2025-03, with the same lines
FETCHED = ("fetch", "xhr")
BODILESS = ("eventsource", "websocket", "preflight", "ping")
NO_BODY = (*range(100, 200), 204, 205, *range(300, 400))


class Command(msgspec.Struct, frozen=True):
    """A CDP command to send. Its answer goes to `take_answer`, with this id."""

    id: int
    method: str
    params: dict[str, Any]


class _Open:
    """An exchange that has not ended, or whose events are still held back."""

    def __init__(self, exchange_id: str, params: dict[str, Any], kind: str) -> None:
        self.exchange_id = exchange_id
        self.request_id: str = params["requestId"]
        self.frame = params.get("frameId")
        self.document = params.get("loaderId")
        self.kind = kind
        self.method: str = params["request"]["method"]
        self.mime = self.charset = ""
        self.from_cache = self.responded = self.ended = False
        # While the browser looks for the request body: the future Started event, and all later events.
        self.started: dict[str, Any] | None = None
        self.held: list[ExchangeEvent] = []
        # How the body is taken: "stream", "whole", or "" for not at all.
        self.way = ""
        self.asked = False  # the stream command has no answer yet
        self.early: list[bytes] = []  # bytes of the stream that came before that answer
        self.counted = self.given = 0  # bytes of the stream that the browser announced, and that we handed on
        self.over: tuple[str, bool] | None = None  # the reason ("" if none) and canceled, once it ended


class Tap:
    """Watches one tab. `page` names it in the events and begins the exchange ids.

    `wanted(url)` says whether to observe an address.
    """

    def __init__(self, page: str, wanted: Callable[[str], bool]) -> None:
        self._page, self._wanted = page, wanted
        self._by_request: dict[str, _Open] = {}
        self._open: dict[str, _Open] = {}  # by exchange id; a redirect's first hop may be held here only
        self._answers: dict[int, tuple[str, Answer]] = {}
        self._exchanges = self._commands = 0
        self._out: list[ExchangeEvent | Command] = []
        self._closed = False
        self._everything = False
        self._handlers: dict[str, Callable[[dict[str, Any], float], None]] = {
            "Network.requestWillBeSent": self._take_request,
            "Network.requestServedFromCache": self._note_cache_hit,
            "Network.responseReceived": self._take_response,
            "Network.dataReceived": self._take_data,
            "Network.eventSourceMessageReceived": self._take_message,
            "Network.loadingFinished": self._finish_loading,
            "Network.loadingFailed": self._fail_loading,
            "Page.frameNavigated": self._leave_document,
        }

    def make_opening_commands(self) -> list[Command]:
        """The commands to send before the tab makes its first request. Their answers do not matter."""
        return [self._make_command("Network.enable", dict(BUFFERS)), self._make_command("Page.enable", {})]

    def take_everything(self) -> None:
        """Take the bodies of scripts, styles and pictures too, from now on."""
        self._everything = True

    def take_event(self, method: str, params: dict[str, Any], at: float) -> list[ExchangeEvent | Command]:
        """Take one CDP event, seen at `at` (monotonic seconds); return what follows from it.

        Ignores unknown events, and requests that began before the tap did.
        """
        if (handler := self._handlers.get(method)) is None or self._closed:
            return []
        handler(params, at)
        out, self._out = self._out, []
        return out

    def take_answer(
        self, command_id: int, result: dict[str, Any] | None, error: str, at: float
    ) -> list[ExchangeEvent | Command]:
        """Take the answer to a command: its result, or None and the browser's error."""
        asked = self._answers.pop(command_id, None)
        if asked is None or self._closed:
            return []
        exchange_id, answer = asked
        if exchange := self._open.get(exchange_id):
            answer(exchange, result, error, at)
        out, self._out = self._out, []
        return out

    def close(self, at: float) -> list[ExchangeEvent | Command]:
        """The tab is gone: every open exchange fails, and later messages are ignored."""
        for exchange in list(self._open.values()):
            self._abandon(exchange, "the tab is gone", at, canceled=False)
        self._closed = True
        out, self._out = self._out, []
        return out

    # Events.

    def _take_request(self, params: dict[str, Any], at: float) -> None:
        request = params["request"]
        if earlier := self._by_request.get(params["requestId"]):
            if redirect := params.get("redirectResponse"):
                self._respond(earlier, redirect, at)
                self._end(earlier, at)
            else:
                self._abandon(earlier, "the browser began the request again", at, canceled=True)
        if not self._wanted(request["url"]):
            return
        kind = params.get("type", "Other").lower()
        self._exchanges += 1
        exchange = _Open(f"{self._page}:{self._exchanges}", params, kind)
        self._by_request[exchange.request_id] = self._open[exchange.exchange_id] = exchange
        body = _read_body(request) if kind in FETCHED else None
        exchange.started = {
            "exchange_id": exchange.exchange_id,
            "page": self._page,
            "at": at,
            "method": request["method"],
            "url": request["url"],
            "kind": kind,
            "headers": _lower(request["headers"]),
            "has_body": body is not None or bool(request.get("hasPostData")),
        }
        if kind in FETCHED and request["method"] == "POST" and _is_form(exchange.started["headers"]):
            # Most likely a message, which a stream answers. If we ask for its bytes now, they come from the
            # first one on. A round trip later, with the response, they would come all at once or never.
            self._ask_stream(exchange)
        # Documents post sign-in forms, which the tap does not read.
        if kind in FETCHED and body is None and request.get("hasPostData"):
            self._ask(exchange, "Network.getRequestPostData", self._take_request_body)
        else:
            self._release(exchange, body)

    def _note_cache_hit(self, params: dict[str, Any], at: float) -> None:
        if exchange := self._by_request.get(params["requestId"]):
            exchange.from_cache = True

    def _take_response(self, params: dict[str, Any], at: float) -> None:
        exchange = self._by_request.get(params["requestId"])
        if exchange is None or exchange.responded:
            return
        response = params["response"]
        self._respond(exchange, response, at)
        if exchange.way == "stream" or exchange.method == "HEAD" or response["status"] in NO_BODY:
            return
        if exchange.kind in FETCHED and exchange.mime in STREAMS:
            self._ask_stream(exchange)
        elif exchange.kind in FETCHED or exchange.kind == "document" or self._wants_body(exchange.kind):
            exchange.way = "whole"

    def _wants_body(self, kind: str) -> bool:
        return self._everything and kind not in BODILESS

    def _take_data(self, params: dict[str, Any], at: float) -> None:
        exchange = self._by_request.get(params["requestId"])
        if exchange is None or exchange.way != "stream":
            return
        exchange.counted += params["dataLength"]
        if data := params.get("data"):
            if exchange.asked:
                exchange.early.append(a2b_base64(data))
            else:
                self._give(exchange, a2b_base64(data), at)

    def _take_message(self, params: dict[str, Any], at: float) -> None:
        if exchange := self._by_request.get(params["requestId"]):
            name, last_id, data = params["eventName"], params["eventId"], params["data"]
            self._emit(exchange, SseMessage, at, event=name, id=last_id, data=data)

    def _finish_loading(self, params: dict[str, Any], at: float) -> None:
        self._note_end(params["requestId"], ("", False), at)

    def _fail_loading(self, params: dict[str, Any], at: float) -> None:
        reason = params.get("errorText") or f"blocked: {params.get('blockedReason', 'no reason given')}"
        self._note_end(params["requestId"], (reason, bool(params.get("canceled"))), at)

    def _leave_document(self, params: dict[str, Any], at: float) -> None:
        frame = params["frame"]
        for exchange in list(self._open.values()):
            if exchange.frame != frame["id"] or exchange.document == frame["loaderId"]:
                continue
            # A document without a response is the next navigation, already under way.
            if exchange.kind != "document" or exchange.responded:
                self._abandon(exchange, "the tab went to another document", at, canceled=True)

    # Answers.

    def _take_request_body(
        self, exchange: _Open, result: dict[str, Any] | None, error: str, at: float
    ) -> None:
        body = None
        if result is not None:
            text = result["postData"]
            body = a2b_base64(text) if result.get("base64Encoded") else text.encode()
        self._release(exchange, body)

    def _take_stream(self, exchange: _Open, result: dict[str, Any] | None, error: str, at: float) -> None:
        exchange.asked = False
        early, exchange.early = exchange.early, []
        if result is None and not exchange.responded:
            exchange.way = ""  # too early for this browser; the response decides
        elif result is None:
            # Most often it "has already finished loading"; then the whole body is available.
            exchange.way = "whole"
        else:
            for data in (a2b_base64(result["bufferedData"]), *early):
                self._give(exchange, data, at)
        if exchange.over is not None:
            self._settle(exchange, at)

    def _take_whole(self, exchange: _Open, result: dict[str, Any] | None, error: str, at: float) -> None:
        if result is None:
            self._end(exchange, at, f"the browser does not have the body: {error}")
            return
        text = result["body"]
        if result["base64Encoded"]:
            self._give(exchange, a2b_base64(text), at)
        else:
            self._give(exchange, encode(text, exchange.mime, exchange.charset), at)
        self._end(exchange, at)

    # How an exchange ends.

    def _note_end(self, request_id: str, over: tuple[str, bool], at: float) -> None:
        exchange = self._by_request.get(request_id)
        if exchange is None or exchange.over is not None:
            return
        exchange.over = over
        if not exchange.asked:
            self._settle(exchange, at)

    def _settle(self, exchange: _Open, at: float) -> None:
        """End the exchange: the network is done and no stream command is open."""
        reason, canceled = exchange.over or ("", False)
        missing = exchange.counted - exchange.given
        if reason:
            self._end(exchange, at, reason, canceled)
        elif not exchange.responded:
            self._end(exchange, at, "it ended without a response")
        elif exchange.way == "whole":
            self._ask(exchange, "Network.getResponseBody", self._take_whole)
        elif missing > 0:
            self._end(exchange, at, f"{missing} bytes of {exchange.counted} did not arrive")
        else:
            self._end(exchange, at)

    def _abandon(self, exchange: _Open, reason: str, at: float, *, canceled: bool) -> None:
        """End it now, even if more could come."""
        if not exchange.ended:
            self._end(exchange, at, reason, canceled)
        if exchange.started is not None:
            self._release(exchange, None)

    def _end(self, exchange: _Open, at: float, reason: str = "", canceled: bool = False) -> None:
        if reason:
            self._emit(exchange, Failed, at, reason=reason, canceled=canceled)
        else:
            self._emit(exchange, Ended, at)
        exchange.ended = True
        self._by_request.pop(exchange.request_id, None)
        if exchange.started is None:
            del self._open[exchange.exchange_id]

    # What goes out.

    def _respond(self, exchange: _Open, response: dict[str, Any], at: float) -> None:
        exchange.responded = True
        exchange.mime, exchange.charset = response["mimeType"], response.get("charset", "")
        self._emit(
            exchange,
            Responded,
            at,
            status=response["status"],
            mime=exchange.mime,
            headers=_lower(response["headers"]),
            protocol=response.get("protocol", ""),
            from_cache=exchange.from_cache
            or any(response.get(cache, False) for cache in ("fromDiskCache", "fromPrefetchCache")),
        )

    def _give(self, exchange: _Open, data: bytes, at: float) -> None:
        if data:
            exchange.given += len(data)
            chunk = Chunk(exchange_id=exchange.exchange_id, page=self._page, at=at, data=data)
            (self._out if exchange.started is None else exchange.held).append(chunk)

    def _emit(self, exchange: _Open, kind: type[ExchangeEvent], at: float, **fields: Any) -> None:
        event = kind(exchange_id=exchange.exchange_id, page=self._page, at=at, **fields)
        (self._out if exchange.started is None else exchange.held).append(event)

    def _release(self, exchange: _Open, body: bytes | None) -> None:
        """Emit Started and the events held back behind it."""
        fields, exchange.started = exchange.started or {}, None
        self._out.append(Started(**fields, body=body))
        self._out += exchange.held
        exchange.held = []
        if exchange.ended:
            del self._open[exchange.exchange_id]

    def _ask_stream(self, exchange: _Open) -> None:
        exchange.way, exchange.asked = "stream", True
        self._ask(exchange, "Network.streamResourceContent", self._take_stream)

    def _ask(self, exchange: _Open, method: str, answer: Answer) -> None:
        command = self._make_command(method, {"requestId": exchange.request_id})
        self._answers[command.id] = (exchange.exchange_id, answer)
        self._out.append(command)

    def _make_command(self, method: str, params: dict[str, Any]) -> Command:
        self._commands += 1
        return Command(self._commands, method, params)


def _read_body(request: dict[str, Any]) -> bytes | None:
    """The request body where the event carries it."""
    entries = request.get("postDataEntries")
    if entries and all("bytes" in entry for entry in entries):
        return b"".join(a2b_base64(entry["bytes"]) for entry in entries)
    text = request.get("postData")
    return None if text is None else text.encode()


def _is_form(headers: dict[str, str]) -> bool:
    return headers.get("content-type", "").startswith("multipart/form-data")


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
