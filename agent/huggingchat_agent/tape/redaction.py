"""Takes secrets out of records. Every record of a tape comes through here.

It searches bodies line by line, across chunks, and the words of an answer as one text. It holds back at most
one line of a body and a few words of an answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import msgspec

from huggingchat_agent.secret_names import is_secret_header
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.mask import MASK, Mask
from huggingchat_agent.tape.pieces import Pieces, Recut
from huggingchat_agent.tape.record_maker import Word, Words
from huggingchat_agent.wire import multipart
from huggingchat_agent.wire.lenient_json import load_if_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from huggingchat_agent.secret_names import Kind
    from huggingchat_agent.tape.format import AnyRecord
    from huggingchat_agent.tape.pieces import Released

LONGEST_LINE = 1_000_000  # bytes of a line that are held back
_USERNAME = re.compile(r'(?<![A-Za-z])\\?"username\\?"\s*:\s*\\?"((?:[^"\\]|\\.)+?)\\?"')
_TOKENS = ("token", "reasoning")
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Redaction:
    """The redaction of one tape. `learn` gets every value that is secret because of its place.

    With `hide_username` the user's name is hidden too, as soon as the app has sent it.
    """

    def __init__(self, mask: Mask, *, learn: Callable[[str], None], hide_username: bool = False) -> None:
        self._mask, self._learn, self._hide_username = mask, learn, hide_username
        self._bodies: dict[str, _Body] = {}
        self._words: dict[tuple[int, str], Pieces[tapes.Event | Word]] = {}

    def feed(self, records: Iterable[AnyRecord | Words]) -> Iterator[AnyRecord | Word]:
        """Take some records. Returns the records that can be written now.

        It searches the words of all of them at once, so a hundred records cost little more than one.
        """
        for record in records:
            if isinstance(record, Words):
                self._get_words(record.turn, _TOKENS[0]).extend(record.words, record.texts)
            else:
                yield from self._take(record)
        for body in self._bodies.values():
            yield from body.release()
        for words in self._words.values():
            yield from _show(words.release())

    def close(self) -> Iterator[AnyRecord | Word]:
        """End the recording. Returns the records that were held back."""
        for body in self._bodies.values():
            yield from body.close()
        for words in self._words.values():
            yield from _show(words.close())
        self._bodies.clear()
        self._words.clear()

    def _get_words(self, turn: int, name: str) -> Pieces[tapes.Event | Word]:
        words = self._words.get((turn, name))
        if words is None:
            words = self._words[turn, name] = Pieces(self._mask)
        return words

    def _take(self, record: AnyRecord) -> Iterator[AnyRecord | Word]:
        match record:
            case tapes.Chunk():
                if (body := self._bodies.get(record.id)) and body.is_text:
                    body.take(record)
                else:
                    yield record
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

    @property
    def mask(self) -> Mask:
        return self._mask

    def mask_line(self, text: str, kind: Kind = "json") -> str:
        """A line of a body without secrets; the kinds are those of `secret_names.find_spans`."""
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

    def _take_event(self, record: tapes.Event) -> Iterator[AnyRecord | Word]:
        event = record.event
        name, turn = event.get("event"), event.get("turn", 0)
        if name in _TOKENS and event.get("text"):
            self._get_words(turn, name).add(record, event["text"])
            return
        if name in ("answer", "finished", "failed"):
            for each in _TOKENS:
                if words := self._words.pop((turn, each), None):
                    yield from _show(words.close())
        text = msgspec.json.encode(event).decode()
        shown = self._mask.apply(text, "json")
        yield (record if shown == text else msgspec.structs.replace(record, event=load_if_json(shown)))


class _Body:
    """The body of one response, in lines. The words of a stream are one text."""

    def __init__(self, response: tapes.Response, owner: Redaction) -> None:
        self.is_text = tapes.is_text(response.mime)
        code = "javascript" in response.mime or response.mime == "text/css"
        self._kind: Kind = "code" if code else "page" if "html" in response.mime else "json"
        self._id, self._page = response.id, response.page
        self._owner = owner
        self._line = bytearray()  # that is not complete
        self._cuts = Recut()
        # Lines that are held back, in order. One that holds no word adds nothing to the text.
        self._lines: Pieces[bytes | _Rewritten] = Pieces(owner.mask)

    def take(self, record: tapes.Chunk) -> None:
        data = record.data
        self._cuts.cut(record.n, record.at, len(data))
        whole, newline, rest = data.rpartition(b"\n")
        if newline:
            self._take_lines(bytes(self._line) + whole + newline)
            self._line = bytearray(rest)
        else:
            self._line += rest
        while len(self._line) > LONGEST_LINE:
            self._take_line(bytes(self._line[:LONGEST_LINE]))
            del self._line[:LONGEST_LINE]

    def release(self) -> Iterator[AnyRecord]:
        """The records that can be written now."""
        return self._show(self._lines.release())

    def close(self) -> Iterator[AnyRecord]:
        if self._line:
            self._take_line(bytes(self._line))
            self._line.clear()
        return self._show(self._lines.close())

    def _take_lines(self, data: bytes) -> None:
        lines = [line + b"\n" for line in data.split(b"\n")[:-1]]
        if (words := _find_words(data, len(lines))) is not None:
            self._lines.extend(lines, words)
            return
        for line in lines:
            self._take_line(line)

    def _take_line(self, raw: bytes) -> None:
        word = _find_word(raw) if b'"token"' in raw else None
        if word is not None:
            self._lines.add(raw, word)
            return
        shown = self._owner.mask_line(raw.decode(errors="surrogateescape"), self._kind)
        out = shown.encode(errors="surrogateescape")
        self._lines.add(raw if out == raw else _Rewritten(raw, out), "")

    def _show(self, lines: Released[bytes | _Rewritten]) -> Iterator[AnyRecord]:
        same: list[bytes] = []  # lines as they came
        if lines.shown is lines.texts and set(map(type, lines.owners)) == {bytes}:
            same += cast("list[bytes]", lines.owners)
        else:
            for line, word, shown in zip(lines.owners, lines.texts, lines.shown, strict=True):
                if isinstance(line, bytes) and word == shown:
                    same.append(line)
                    continue
                yield from self._cut_same(same)
                same.clear()
                raw, out = line if isinstance(line, _Rewritten) else (line, _replace_word(line, shown))
                yield from self._cut(len(raw), out)
        yield from self._cut_same(same)

    def _cut_same(self, lines: list[bytes]) -> Iterator[AnyRecord]:
        data = b"".join(lines)
        return self._cut(len(data), data)

    def _cut(self, length: int, data: bytes) -> Iterator[AnyRecord]:
        for n, at, piece in self._cuts.put(length, data):
            yield tapes.Chunk(n=n, at=at, id=self._id, page=self._page, **tapes.make_payload(piece))


class _Rewritten(NamedTuple):
    """A line without words that had a secret, and its replacement."""

    raw: bytes
    out: bytes


class _Word(msgspec.Struct, gc=False):
    """A line with a word of an answer or of a reasoning."""

    type: Literal["stream", "reasoning"]
    token: str


_decoder = msgspec.json.Decoder(_Word)


def _find_words(lines: bytes, count: int) -> list[str] | None:
    """The words of so many lines; None where a line may hold none."""
    if lines.count(b'"token"') < count:
        return None
    try:
        found = _decoder.decode_lines(lines)
    except _UNREADABLE:
        return None
    return [each.token.rstrip("\0") for each in found] if len(found) == count else None


def _find_word(line: bytes) -> str | None:
    """The word of a line; None for any other line."""
    try:
        return _decoder.decode(line).token.rstrip("\0")
    except msgspec.ValidationError:
        return None
    except _UNREADABLE:
        update = load_if_json(line)  # half a character, perhaps
    try:
        return msgspec.convert(update, _Word).token.rstrip("\0")
    except (msgspec.ValidationError, RecursionError):
        return None


def _replace_word(line: bytes, word: str) -> bytes:
    return msgspec.json.encode({**load_if_json(line), "token": word}) + b"\n"


def _show(words: Released[tapes.Event | Word]) -> Iterator[tapes.Event | Word]:
    if words.shown is words.texts:
        yield from words.owners
        return
    for record, text, shown in zip(words.owners, words.texts, words.shown, strict=True):
        yield record if text == shown else _replace_text(record, shown)


def _replace_text(record: tapes.Event | Word, text: str) -> tapes.Event | Word:
    if isinstance(record, Word):
        return msgspec.structs.replace(record, event=msgspec.structs.replace(record.event, text=text))
    return msgspec.structs.replace(record, event={**record.event, "text": text})


def _find_headers(body: bytes, content_type: str) -> Iterator[str]:
    """The values of all `headers` in a request body: those of tool servers."""
    if content_type.startswith("multipart/"):
        value: Any = multipart.parse_send_fields(body, content_type)
    else:
        value = load_if_json(body)
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
