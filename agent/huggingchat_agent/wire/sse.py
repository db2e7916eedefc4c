"""Server-sent events out of bytes that are cut anywhere (the app's reattach stream, fetched)."""

from __future__ import annotations

from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """One event. `id` is the last one seen, "" before any; `event` is "message" where none was named."""

    event: str
    id: str
    data: str


class SseDecoder:
    """Decodes as a browser's EventSource does: an event that was not closed by a blank line is none.

    Lines end with LF, CR or CRLF; comments and unknown fields are skipped; an event without data is
    dropped. The time taken is linear in the bytes however they are cut.
    """

    def __init__(self) -> None:
        self._begun: list[bytes] = []
        self._after_cr = False
        self._first = True
        self._event = ""
        self._id = ""
        self._data: list[str] = []

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Take the next bytes; return the events that are complete by now."""
        if self._after_cr and data:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        if not data:
            return []
        lines = data.splitlines()
        if data[-1:] in b"\r\n":
            self._after_cr = data.endswith(b"\r")
            lines.append(b"")
        *complete, rest = lines
        found = []
        for line in complete:
            whole, self._begun = b"".join((*self._begun, line)), []
            if event := self._line(whole):
                found.append(event)
        self._begun.append(rest)
        return found

    def _line(self, line: bytes) -> ServerSentEvent | None:
        if self._first:
            line, self._first = line.removeprefix(_BOM), False
        if not line:
            return self._dispatch()
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        data, self._data = self._data, []
        event, self._event = self._event, ""
        return ServerSentEvent(event or "message", self._id, "\n".join(data)) if data else None
