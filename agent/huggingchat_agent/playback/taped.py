"""Calls that a tape answers, without a browser or a network.

A call gets the recorded answer. A message plays the recorded exchange again, without waiting, as if its
events had just happened.

* A message matches by its text. If the tape has the same text more than once, the parent decides, then the
  order. Other requests match by method, path and JSON body. A write gets an answer once.
* A read gets the answer of this place of the tape: that of the last such read before the next message or new
  conversation.
* Every message has a new generation id, which replaces the recorded one everywhere.

A request that is not on the tape raises TapeMismatch (see `playback.matcher`).
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.errors import TapeMismatch
from huggingchat_agent.exchange import Chunk, Failed, Responded, Started
from huggingchat_agent.playback.faults import apply_fault, with_faults
from huggingchat_agent.playback.matcher import AGENT, Matcher
from huggingchat_agent.site.calls import CallResult, make_no_answer_error
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.tape.summary import extract_path, recovers, summarize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.playback.faults import Fault
    from huggingchat_agent.settings import Settings
    from huggingchat_agent.site.calls import Calls
    from huggingchat_agent.tape.format import AnyRecord
    from huggingchat_agent.wire.requests import Call


def adapt_settings(settings: Settings) -> Settings:
    """The settings of a chat that a tape answers: its address, and messages sent by page.

    Raises TapeError, TapeVersion or TapeCorrupt if the tape cannot be read.
    """
    assert settings.replay is not None
    tape = Tape(settings.replay)
    recover = settings.recover and recovers(tape.load(pictures=False).records)
    return msgspec.structs.replace(
        settings, base_url=tape.header.base_url, via="page", record=None, recover=recover
    )


def read_fields(request: Call) -> bytes:
    """The fields of a message, as JSON."""
    return next((part.body for part in request.form or () if part.name == "data"), "").encode()


class TapedCalls:
    """Implements `site.calls.Calls`. The exchanges go to `sink`."""

    page_id = "tape"
    closed = False

    def __init__(self, settings: Settings, sink: Callable[[ExchangeEvent], None]) -> None:
        self._settings, self._sink = settings, sink
        self._matcher: Matcher | None = None
        self._played = 0

    async def open(self) -> Calls:
        """Read the tape and play the app's home page. Raises TapeError or TapeCorrupt."""
        if self._matcher is None:
            assert self._settings.replay is not None
            recording = Tape(self._settings.replay).load(pictures=False)
            if recording.trouble is not None:
                raise recording.trouble
            records = with_faults(recording.records, self._settings.faults)
            self._matcher = Matcher(summarize(recording._replace(records=records)), AGENT)
            with contextlib.suppress(TapeMismatch):
                self._play(self._matcher, "GET", f"{self._settings.base_url}/")
        return self

    async def call(self, request: Call, *, timeout: float) -> CallResult:
        return (await self.download(request, timeout=timeout))[0]

    async def download(self, request: Call, *, timeout: float) -> tuple[CallResult, bytes]:
        sent = b"" if request.json is None else msgspec.json.encode(request.json)
        status, mime, headers, body = self._answer_request(request, sent)
        redirected = 300 <= status < 400
        result = CallResult(
            status=0 if redirected else status,
            mime=headers.get("content-type", mime),
            redirected=redirected,
            headers={} if redirected else headers,
            body="" if redirected else body.decode("utf-8", "replace"),
        )
        return result, body if status == 200 else b""

    async def start(self, request: Call, key: str, *, timeout: float) -> None:
        fields = read_fields(request)
        self._play(self._require_matcher(), request.method, self._settings.base_url + request.path, fields)

    async def abort(self, key: str, *, timeout: float) -> None:
        """Does nothing: a recorded stream has ended when `start` returns."""

    async def read_timezone(self, *, timeout: float) -> str:
        return "UTC"

    def _require_matcher(self) -> Matcher:
        assert self._matcher is not None
        return self._matcher

    def _answer_request(self, request: Call, body: bytes) -> tuple[int, str, dict[str, str], bytes]:
        """Status, media type, headers and body of the recorded answer. Raises TapeMismatch, SiteError."""
        mime, status, headers, answer = "", 0, {}, b""
        for event in self._play(
            self._require_matcher(), request.method, self._settings.base_url + request.path, body
        ):
            if isinstance(event, Responded):
                mime, status, headers = event.mime, event.status, event.headers
            elif isinstance(event, Chunk):
                answer += event.data
            elif isinstance(event, Failed) and not status:
                raise make_no_answer_error(self._settings.base_url, request, event.reason)
        return status, mime, headers, answer

    def _play(self, matcher: Matcher, method: str, url: str, body: bytes = b"") -> list[ExchangeEvent]:
        """Play an exchange again. Raises TapeMismatch."""
        events = self._find(matcher, method, url, body)
        for event in events:
            self._sink(event)
        return events

    def _find(
        self, matcher: Matcher, method: str, url: str, body: bytes, faults: Iterable[Fault] = ()
    ) -> list[ExchangeEvent]:
        """The events of the exchange that answers, with these faults too. Raises TapeMismatch."""
        found, _ = matcher.find(method, extract_path(url), body, "application/json")
        records = found.records
        for fault in faults:
            records = apply_fault(records, fault, found.request.id)
        return list(self._repeat(matcher, records))

    def _repeat(self, matcher: Matcher, records: Sequence[AnyRecord]) -> Iterator[ExchangeEvent]:
        """Its events, timed as if they had just happened."""
        self._played += 1
        here: dict[str, Any] = {"exchange_id": f"{self.page_id}:{self._played}", "page": self.page_id}
        last = records[-1]
        began = time.monotonic() - last.at
        for record in records:
            event = tapes.to_exchange(record, began + record.at)
            if isinstance(event, Started):
                url = matcher.put_current_ids(event.url.encode()).decode()
                body = None if event.body is None else matcher.put_current_ids(event.body)
                event = msgspec.structs.replace(event, url=url, body=body)
            elif isinstance(event, Chunk):
                event = msgspec.structs.replace(event, data=matcher.put_current_ids(event.data))
            if event is not None:
                yield msgspec.structs.replace(event, **here)
        if not isinstance(last, tapes.End | tapes.Fail):
            yield Failed(**here, at=time.monotonic(), reason="the tape ends here")
