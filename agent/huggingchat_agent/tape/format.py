"""The lines of a tape: a header, then records, each one line of JSON.

Times (`at`) are in seconds since the recording began. `n` is the place of a record in the order of events. A
record can wait until it is clear whether a word is secret, so the file may hold it a little after later ones.

A new version of the format adds a step to `STEPS`, which converts records of the version before. The tapes in
`fixtures/tapes` must stay readable for ever.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from huggingchat_agent import exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.exchange import ExchangeEvent

VERSION = 1

LONGEST = 1e9  # seconds: no recording takes longer

# From each version to the next: takes a raw header or record, and returns it in the new form.
STEPS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line. `begun` is in UTC. With `full` the app's pages and scripts are on the tape too."""

    tape: int
    agent: str
    base_url: str
    begun: str
    engine: str = ""
    full: bool = False


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """Fields of all records."""

    n: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    at: Annotated[float, msgspec.Meta(ge=-LONGEST, le=LONGEST)]


class OfExchange(Record, frozen=True, kw_only=True):
    """Fields of all records of an exchange."""

    id: str
    page: str


class Request(OfExchange, frozen=True, kw_only=True, tag="request"):
    """See `exchange.Started`. The body is `text` if it is UTF-8, else `base64`."""

    method: str
    url: str
    kind: str
    headers: dict[str, str]
    text: str | None = None
    base64: str | None = None
    has_body: bool = False

    @property
    def body(self) -> bytes | None:
        return _decode(self.text, self.base64)


class Response(OfExchange, frozen=True, kw_only=True, tag="response"):
    """See `exchange.Responded`."""

    status: Annotated[int, msgspec.Meta(ge=0, le=999)]
    mime: str
    headers: dict[str, str]
    protocol: str = ""
    from_cache: bool = False


class Chunk(OfExchange, frozen=True, kw_only=True, tag="chunk"):
    """Bytes of a body as they arrived: `text` if they are UTF-8, else `base64`."""

    text: str | None = None
    base64: str | None = None

    @property
    def data(self) -> bytes:
        return _decode(self.text, self.base64) or b""


class Message(OfExchange, frozen=True, kw_only=True, tag="sse"):
    """See `exchange.SseMessage`."""

    event: str
    last_id: str
    data: str


class End(OfExchange, frozen=True, kw_only=True, tag="end"):
    """The response is complete."""


class Fail(OfExchange, frozen=True, kw_only=True, tag="fail"):
    """See `exchange.Failed`."""

    reason: str
    canceled: bool = False


class Event(Record, frozen=True, kw_only=True, tag="event"):
    """An event that a handler got, as `--json` prints it."""

    event: dict[str, Any]


class ConsoleMessage(Record, frozen=True, kw_only=True, tag="said"):
    """A message of a page. `kind` is "console", "error" (an uncaught one) or "dialog".

    `level` is the console's ("log", "warning", ...) or the kind of dialog ("alert", ...).
    """

    page: str
    kind: str
    text: str
    level: str = ""


class Picture(Record, frozen=True, kw_only=True, tag="picture"):
    """A picture of a tab at a moment of a turn: "start", "first token" or "end"."""

    page: str
    turn: int
    moment: str
    mime: str
    base64: str

    @property
    def data(self) -> bytes:
        return b64decode(self.base64)


class Browser(Record, frozen=True, kw_only=True, tag="browser"):
    """A browser was started."""

    version: str


class Hidden(Record, frozen=True, kw_only=True, tag="hidden"):
    """A page of the sign-in was here. The tape has none of it."""


class Last(Record, frozen=True, kw_only=True, tag="last"):
    """The recording was closed properly."""


AnyRecord = (
    Request
    | Response
    | Chunk
    | Message
    | End
    | Fail
    | Event
    | ConsoleMessage
    | Picture
    | Browser
    | Hidden
    | Last
)

TEXT = ("text/", "application/json", "application/jsonl", "application/x-www-form-urlencoded")
_TEXT_TOO = ("javascript", "xml", "+json")


def is_text(mime: str) -> bool:
    """Whether bodies of that media type are text."""
    return mime.startswith(TEXT) or any(each in mime for each in _TEXT_TOO)


def make_payload(data: bytes) -> dict[str, Any]:
    """Bytes as fields of a record: `text` if they are UTF-8, else `base64`."""
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(data).decode()}


# Fields that are the same in the exchange event and in its record.
_OF_REQUEST = ("method", "url", "kind", "headers", "has_body")
_OF_RESPONSE = ("status", "mime", "headers", "protocol", "from_cache")


def _copy(source: ExchangeEvent | OfExchange, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(source, name) for name in names}


def from_exchange(event: ExchangeEvent, n: int, at: float) -> AnyRecord:
    """The record of an exchange event; `at` counts from the beginning of the tape."""
    where: dict[str, Any] = {"n": n, "at": at, "id": event.exchange_id, "page": event.page}
    match event:
        case exchange.Started():
            body: dict[str, Any] = {} if event.body is None else make_payload(event.body)
            return Request(**where, **body, **_copy(event, _OF_REQUEST))
        case exchange.Responded():
            return Response(**where, **_copy(event, _OF_RESPONSE))
        case exchange.Chunk():
            return Chunk(**where, **make_payload(event.data))
        case exchange.SseMessage():
            return Message(**where, event=event.event, last_id=event.id, data=event.data)
        case exchange.Failed():
            return Fail(**where, reason=event.reason, canceled=event.canceled)
        case exchange.Ended():
            return End(**where)


def to_exchange(record: AnyRecord, at: float) -> ExchangeEvent | None:
    """The exchange event of a record, as if seen at `at`; None for other records."""
    if not isinstance(record, OfExchange):
        return None
    where: dict[str, Any] = {"exchange_id": record.id, "page": record.page, "at": at}
    match record:
        case Request():
            return exchange.Started(**where, **_copy(record, _OF_REQUEST), body=record.body)
        case Response():
            return exchange.Responded(**where, **_copy(record, _OF_RESPONSE))
        case Chunk():
            return exchange.Chunk(**where, data=record.data)
        case Message():
            return exchange.SseMessage(**where, event=record.event, id=record.last_id, data=record.data)
        case Fail():
            return exchange.Failed(**where, reason=record.reason, canceled=record.canceled)
        case _:
            return exchange.Ended(**where)


def _decode(text: str | None, base64: str | None) -> bytes | None:
    if base64 is not None:
        return b64decode(base64)
    return None if text is None else text.encode()
