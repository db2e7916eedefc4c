"""Events of the network traffic, as plain values. Everything above learns about the app only from these.

The live tap (`wire/tap.py`) and the tape reader produce these, in this order for each exchange:

    Started, Responded, (Chunk | SseMessage)*, then exactly one of Ended or Failed

An exchange is one HTTP request with its response. A redirect is an exchange of its own: it gets
Responded with the 3xx status and Ended, and the next hop starts a new one. Failed may come before
Responded (no connection) or after any number of chunks (the connection broke, the page left).

`exchange_id` is unique within a session and opaque. `page` names the tab it was seen in. `at` is in
seconds on the monotonic clock of this process; only differences have a meaning. Header names are in lower
case. `Chunk.data` holds body bytes as they arrived, decoded from their content encoding, in order, each once.
The borders of chunks have no meaning.
"""

from __future__ import annotations

import msgspec


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """Fields common to all exchange events."""

    exchange_id: str
    page: str
    at: float


class Started(Exchange, frozen=True, kw_only=True, tag="started"):
    """A request left the page.

    `kind` is the browser's resource type in lower case ("document", "fetch", "xhr", "eventsource", ...).
    `body` is the request body. It is None, though `has_body` is true, if the browser does not have it, and
    for posts of documents, which are sign-in forms.
    """

    method: str
    url: str
    kind: str
    headers: dict[str, str]
    body: bytes | None = None
    has_body: bool = False


class Responded(Exchange, frozen=True, kw_only=True, tag="responded"):
    """Status line and headers arrived. `protocol` is as the browser says: "http/1.1", "h2", ..."""

    status: int
    mime: str
    headers: dict[str, str]
    protocol: str = ""
    from_cache: bool = False


class Chunk(Exchange, frozen=True, kw_only=True, tag="chunk"):
    """Some bytes of the response body."""

    data: bytes


class SseMessage(Exchange, frozen=True, kw_only=True, tag="sse"):
    """One server-sent event received by the page's own EventSource."""

    event: str
    id: str
    data: str


class Ended(Exchange, frozen=True, kw_only=True, tag="ended"):
    """The response is complete."""


class Failed(Exchange, frozen=True, kw_only=True, tag="failed"):
    """The exchange broke. `reason` is the browser's ("net::ERR_ABORTED", ...) or the tap's.

    `canceled` is true if the page itself dropped it (navigation, abort).
    """

    reason: str
    canceled: bool = False


ExchangeEvent = Started | Responded | Chunk | SseMessage | Ended | Failed
