"""Server-sent events, out of a stream of bytes that is cut anywhere."""

from __future__ import annotations

from typing import NamedTuple

from huggingchat_agent.wire.lines import LONGEST, LineSplitter, LineTooLong


class ServerEvent(NamedTuple):
    """One event. `id` is the last one that the stream gave, "" before the first."""

    name: str
    id: str
    data: bytes


class SseDecoder:
    """Collects bytes and gives back whole events. An event that was cut off never comes."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._lines = LineSplitter(all_of=True, longest=longest)
        self._longest = longest
        self._name = self._id = ""
        self._data: list[bytes] = []
        self._length = 0  # of the data, with its newlines

    def feed(self, data: bytes) -> list[ServerEvent]:
        """Take the next bytes; return the events that are complete by now. Raises LineTooLong."""
        found = []
        for line in self._lines.feed(data):
            field, _, value = line.rstrip(b"\r").partition(b":")
            value = value.removeprefix(b" ")
            if field == b"event":
                self._name = value.decode("utf-8", "replace")
            elif field == b"id":
                self._id = value.decode("utf-8", "replace")
            elif field == b"data":
                self._data.append(value)
                self._length += len(value) + 1
                if self._length > self._longest:
                    raise LineTooLong(self._longest)
            elif not field and not value and self._data:  # a blank line; one with a value is a comment
                found.append(ServerEvent(self._name or "message", self._id, b"\n".join(self._data)))
                self._name, self._data, self._length = "", [], 0
        return found
