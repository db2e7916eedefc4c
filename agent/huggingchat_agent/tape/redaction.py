"""Takes secrets out of records. Every record of a tape comes through here.

It searches bodies line by line, across chunks, and the words of an answer as one text. It holds back at most
one line of a body and a few words of an answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.secret_names import is_secret_header
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.mask import MASK, Mask
from huggingchat_agent.tape.pieces import Pieces, Recut
from huggingchat_agent.wire import lenient_json, multipart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from huggingchat_agent.secret_names import Kind
    from huggingchat_agent.tape.format import AnyRecord

LONGEST_LINE = 1_000_000  # bytes of a line that are held back
_USERNAME = re.compile(r'(?<![A-Za-z])\\?"username\\?"\s*:\s*\\?"((?:[^"\\]|\\.)+?)\\?"')
_TOKENS = ("token", "reasoning")


class Redaction:
    """The redaction of one tape. `learn` gets every value that its place makes secret.

    With `hide_username` the user's name is hidden too, as soon as the app has sent it.
    """

    def __init__(self, mask: Mask, *, learn: Callable[[str], None], hide_username: bool = False) -> None:
        self._mask, self._learn, self._hide_username = mask, learn, hide_username
        self._bodies: dict[str, _Body] = {}
        self._mimes: dict[str, str] = {}
        self._words: dict[tuple[int, str], Pieces[tapes.Event]] = {}

    def feed(self, record: AnyRecord) -> Iterator[AnyRecord]:
        """Take a record. Returns the records that can be written now."""
        match record:
            case tapes.Chunk():
                yield from self._take_chunk(record)
            case tapes.Event():
                yield from self._take_event(record)
            case tapes.Request():
                yield self._mask_request(record)
            case tapes.Response():
                self._bodies[record.id] = _Body(record, self)
                yield msgspec.structs.replace(record, headers=self._mask_headers(record.headers))
            case tapes.End() | tapes.Fail():
                if body := self._bodies.pop(record.id, None):
                    yield from body.close()
                yield record
            case tapes.Message():
                yield msgspec.structs.replace(record, data=self.mask_line(record.data))
            case tapes.ConsoleMessage():
                yield msgspec.structs.replace(record, text=self._mask.apply(record.text, "log"))
            case _:
                yield record

    def close(self) -> Iterator[AnyRecord]:
        """End the recording. Returns the records that were held back."""
        for body in self._bodies.values():
            yield from body.close()
        for words in self._words.values():
            yield from map(_replace_text, words.close())
        self._bodies.clear()
        self._words.clear()

    @property
    def mask(self) -> Mask:
        return self._mask

    def mask_line(self, text: str, kind: Kind = "json") -> str:
        """A line of a body without secrets; the kinds are those of `secret_names.spans`."""
        if self._hide_username and kind != "code" and "username" in text:
            for match in _USERNAME.finditer(text):
                self._mask.add_name(match[1])
        return self._mask.apply(text, kind)

    def _mask_request(self, record: tapes.Request) -> tapes.Request:
        changed: dict[str, Any] = {
            "url": self._mask.apply(record.url, "log"),
            "headers": self._mask_headers(record.headers),
        }
        body = record.body
        if body is not None:
            for value in _find_headers(body, record.headers.get("content-type", "")):
                self._learn(value)
            if record.text is not None:
                changed["text"] = self.mask_line(record.text)
        return msgspec.structs.replace(record, **changed)

    def _mask_headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {
            name: MASK if is_secret_header(name) else self._mask.apply(value, "log")
            for name, value in headers.items()
        }

    def _take_chunk(self, record: tapes.Chunk) -> Iterator[AnyRecord]:
        body = self._bodies.get(record.id)
        if body is None or not body.is_text:
            yield record
        else:
            yield from body.feed(record)

    def _take_event(self, record: tapes.Event) -> Iterator[AnyRecord]:
        event = record.event
        name, turn = event.get("event"), event.get("turn", 0)
        if name in _TOKENS and event.get("text"):
            words = self._words.setdefault((turn, str(name)), Pieces(self._mask))
            yield from map(_replace_text, words.feed(record, event["text"]))
            return
        if name in ("answer", "finished", "failed"):
            for each in _TOKENS:
                if words_ := self._words.pop((turn, each), None):
                    yield from map(_replace_text, words_.close())
        text = msgspec.json.encode(event).decode()
        shown = self._mask.apply(text, "json")
        yield record if shown == text else msgspec.structs.replace(record, event=_decode(shown))


class _Body:
    """The body of one response, in lines. The words of a stream are one text."""

    def __init__(self, response: tapes.Response, owner: Redaction) -> None:
        self.is_text = tapes.is_text(response.mime)
        code = "javascript" in response.mime or response.mime == "text/css"
        self._kind: Kind = "code" if code else "page" if "html" in response.mime else "json"
        self._id, self._page = response.id, response.page
        self._owner = owner
        self._line = bytearray()
        self._cuts = Recut()
        self._words: Pieces[_Line] = Pieces(owner.mask)
        self._lines: list[_Line] = []  # held back, in order

    def feed(self, record: tapes.Chunk) -> Iterator[AnyRecord]:
        data = record.data
        self._cuts.cut(record.n, record.at, len(data))
        self._line += data
        while (end := self._line.find(b"\n") + 1) or len(self._line) > LONGEST_LINE:
            self._take(bytes(self._line[: end or LONGEST_LINE]))
            del self._line[: end or LONGEST_LINE]
        yield from self._release()

    def close(self) -> Iterator[AnyRecord]:
        if self._line:
            self._take(bytes(self._line))
            self._line.clear()
        for line, text in self._words.close():
            line.show_word(text)
        yield from self._release()

    def _take(self, raw: bytes) -> None:
        line = _Line(raw)
        self._lines.append(line)
        if line.word is not None:
            for owner, text in self._words.feed(line, line.word):
                owner.show_word(text)
        else:
            line.show(self._owner.mask_line(raw.decode(errors="surrogateescape"), self._kind))

    def _release(self) -> Iterator[AnyRecord]:
        while self._lines and (data := self._lines[0].out) is not None:
            line = self._lines.pop(0)
            for n, at, piece in self._cuts.put(len(line.raw), data):
                fields = tapes.make_payload(piece)
                yield tapes.Chunk(n=n, at=at, id=self._id, page=self._page, **fields)


class _Line:
    """A line of a body. `word` is the text that it adds to an answer, or None."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.out: bytes | None = None
        self._update: dict[str, Any] = {}
        self.word: str | None = None
        if b'"token"' in raw:
            update = _decode(raw)
            if (
                isinstance(update, dict)
                and update.get("type") in ("stream", "reasoning")
                and isinstance(update.get("token"), str)
            ):
                self._update, self.word = update, update["token"].rstrip("\0")

    def show_word(self, text: str) -> None:
        """Write the word in this form."""
        if text == self.word:
            self.out = self.raw
        else:
            self.out = msgspec.json.encode({**self._update, "token": text}) + b"\n"

    def show(self, text: str) -> None:
        """Write the line in this form."""
        self.out = text.encode(errors="surrogateescape")


def _replace_text(piece: tuple[tapes.Event, str]) -> tapes.Event:
    record, text = piece
    if text == record.event["text"]:
        return record
    return msgspec.structs.replace(record, event={**record.event, "text": text})


def _find_headers(body: bytes, content_type: str) -> Iterator[str]:
    """The values of all `headers` in a request body: those of tool servers."""
    if content_type.startswith("multipart/"):
        value: Any = multipart.parse_send_fields(body, content_type)
    else:
        value = _decode(body)
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, list):
            todo += each
        elif isinstance(each, dict):
            for name, held in each.items():
                if name == "headers":
                    yield from _find_strings(held)
                else:
                    todo.append(held)


def _find_strings(value: Any) -> Iterator[str]:
    """The values of headers, given as a map or as a list of keys and values."""
    if isinstance(value, dict) and {"key", "value"} >= set(value):
        yield from _find_strings(value.get("value"))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _find_strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _find_strings(each)
    elif isinstance(value, str):
        yield value
        yield value.removeprefix("Bearer ")


def _decode(text: str | bytes) -> Any:
    try:
        return lenient_json.load(text)
    except ValueError:
        return None
