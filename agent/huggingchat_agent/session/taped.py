"""A browser that is none: it answers the agent's own calls from a tape, and touches no network.

Everything above works as on a live one: calls are answered with what the app answered then, and a
message that was sent then gives the same exchange again, at once, with its times of then.

* A message is known by its text (and, where it was said more than once, by its parent, else in the
  order of then); other requests by method, path and JSON body. What writes is answered once.
* What reads is answered as at that place of the tape: by the last such read before the next message.
* The generation id is chosen anew by whoever sends, so the one of then is replaced by it wherever it
  comes.

What is not on the tape raises TapeMismatch. There are no pages: nothing can be clicked or pictured.
"""

from __future__ import annotations

import difflib
import time
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import msgspec

from huggingchat_agent import redact
from huggingchat_agent.errors import BrowserClosed, BrowserError, TapeMismatch
from huggingchat_agent.exchange import Chunk, Failed, Responded, Started
from huggingchat_agent.site import calls
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.faults import with_faults
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.wire import jsontext, multipart, purposes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from huggingchat_agent.browser.heard import Said
    from huggingchat_agent.browser.protocols import Control, Snapshot, Upload
    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.settings import Settings
    from huggingchat_agent.tape.reader import Recording


def settings_of(given: Settings) -> Settings:
    """The settings of a chat that is answered from a tape: at the address of then, and by page.

    Raises TapeError, TapeVersion or TapeCorrupt where the tape cannot be read.
    """
    if given.replay is None:
        return given
    header = Tape(given.replay).header
    return msgspec.structs.replace(given, base_url=header.base_url, via="page", record=None)


class TapedEngine:
    """Implements `browser.protocols.Engine`."""

    name = "tape"

    async def start(self, settings: Settings, storage_state: dict[str, Any] | None) -> TapedBrowser:
        """A browser at the beginning of the tape. Raises TapeError, or TapeCorrupt."""
        assert settings.replay is not None
        recording = Tape(settings.replay).load(pictures=False)
        if recording.trouble is not None:
            raise recording.trouble
        records = with_faults(recording.records, settings.faults)
        return TapedBrowser(recording._replace(records=records))


class TapedBrowser:
    """Implements `browser.protocols.Browser`."""

    def __init__(self, recording: Recording) -> None:
        self.version = "tape"
        self.sandboxed = True
        self.closed = False
        self._shelf = _Shelf(recording)
        self._pages = 0
        self._callbacks: list[Callable[[], None]] = []

    async def new_page(self, sink: Callable[[ExchangeEvent], None]) -> TapedPage:
        self._pages += 1
        return TapedPage(f"taped-{self._pages}", self._shelf, sink)

    async def storage_state(self) -> dict[str, Any]:
        return {"cookies": [], "origins": []}

    def on_closed(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    async def close(self) -> None:
        if not self.closed:
            self.closed = True
            for callback in self._callbacks:
                callback()


class TapedPage:
    """Implements `browser.protocols.Page`, as far as requests go."""

    def __init__(self, id: str, shelf: _Shelf, sink: Callable[[ExchangeEvent], None]) -> None:
        self.id = id
        self.closed = False
        self._shelf, self._sink = shelf, sink
        self._address = "about:blank"

    async def goto(self, url: str, *, timeout: float) -> None:
        self._check_open()
        self._address = url
        if (found := self._shelf.document(url)) is not None:
            self._play(found)

    async def evaluate(self, function: str, *args: Any, timeout: float) -> Any:
        self._check_open()
        if function == calls.CALL:
            return self._play(self._shelf.answer(args[0]))
        if function == calls.START:
            self._play(self._shelf.message(args[0], args[1]))
            return None
        if function == calls.ABORT:
            return None
        if function == calls.TIMEZONE:
            return "UTC"
        self._refuse()

    async def address(self) -> str:
        self._check_open()
        return self._address

    async def close(self) -> None:
        self.closed = True

    async def find(self, control: Control, *, timeout: float) -> bool:
        return False

    async def click(self, control: Control, *, timeout: float) -> None:
        self._refuse()

    async def insert_text(self, selector: str, text: str, *, timeout: float) -> None:
        self._refuse()

    async def set_files(self, selector: str, files: Sequence[Upload], *, timeout: float) -> None:
        self._refuse()

    async def wait(self, function: str, *args: Any, timeout: float) -> Any:
        self._refuse()

    async def snapshot(self) -> Snapshot:
        self._refuse()

    async def observe(self, hear: Callable[[Said], None], *, everything: bool = False) -> None:
        return

    async def picture(self, secrets: Callable[[str], list[str]]) -> bytes:
        self._refuse()

    def _play(self, found: _Recorded) -> dict[str, Any]:
        """Let an exchange happen again; what a call of ours would have got of it."""
        mime, status, headers, body = "", 0, {}, b""
        for event in self._shelf.again(found, self.id):
            if isinstance(event, Responded):
                mime, status, headers = event.mime, event.status, event.headers
            elif isinstance(event, Chunk):
                body += event.data
            self._sink(event)
            if isinstance(event, Failed) and not status:
                return {"failed": event.reason}
        redirected = 300 <= status < 400
        return {
            "status": 0 if redirected else status,
            "mime": headers.get("content-type", mime),
            "redirected": redirected,
            "headers": {} if redirected else headers,
            "body": "" if redirected else body.decode("utf-8", "replace"),
        }

    def _check_open(self) -> None:
        if self.closed:
            raise BrowserClosed("The tab was closed.")

    def _refuse(self) -> NoReturn:
        raise BrowserError("There is no page here: the chat is answered from a tape.")


class _Recorded:
    """One exchange of the tape."""

    def __init__(self, request: tapes.Request, place: int, base_path: str) -> None:
        self.request, self.place = request, place
        self.records: list[tapes.AnyRecord] = [request]
        self.used = False
        parts = urlsplit(request.url)
        self.path = _path(parts.path, parts.query)
        purpose = purposes.classify(request.method, request.url, base_path)
        self.is_message = isinstance(purpose, purposes.SendMessage)
        self.fields: dict[str, Any] = {}
        if self.is_message:
            kind = request.headers.get("content-type", "")
            self.fields = multipart.send_fields(request.body, kind) or {}

    @property
    def json(self) -> Any:
        """The body, where it is JSON."""
        try:
            return jsontext.load(self.request.body or b"null")
        except ValueError:
            return None


class _Shelf:
    """The exchanges of a tape, and how far it was played."""

    def __init__(self, recording: Recording) -> None:
        base = urlsplit(recording.header.base_url)
        self._all: list[_Recorded] = []
        by_id: dict[str, _Recorded] = {}
        for record in recording.records:
            if isinstance(record, tapes.Request):
                by_id[record.id] = made = _Recorded(record, len(self._all), base.path)
                self._all.append(made)
            elif isinstance(record, tapes.OfExchange) and record.id in by_id:
                by_id[record.id].records.append(record)
        self._played = 0
        self._generations: dict[bytes, bytes] = {}

    def document(self, url: str) -> _Recorded | None:
        """The document at an address, if it was loaded then."""
        path = urlsplit(url).path
        found = [each for each in self._all if each.request.kind == "document"]
        return next((each for each in found if urlsplit(each.request.url).path == path), None)

    def answer(self, asked: dict[str, Any]) -> _Recorded:
        """The exchange that answers a call of ours. Raises TapeMismatch."""
        parts = urlsplit(asked["url"])
        method, path = asked["method"], _path(parts.path, parts.query)
        found = [each for each in self._all if (each.request.method, each.path) == (method, path)]
        if method == "GET":
            chosen = self._reading(found)
        else:
            same = [each for each in found if not each.used and _same(each.json, asked["json"])]
            chosen = same[0] if same else None
        if chosen is None:
            self._miss(f"{method} {path}", [f"{each.request.method} {each.path}" for each in self._all])
        chosen.used = True
        return chosen

    def message(self, asked: dict[str, Any], generation_id: str) -> _Recorded:
        """The exchange in which that message was sent then. Raises TapeMismatch."""
        path = urlsplit(asked["url"]).path
        data = next(part["body"] for part in asked["form"] if part["name"] == "data")
        fields = jsontext.load(data.encode())
        said = fields.get("inputs")
        sent = [each for each in self._all if each.is_message and each.path == path]
        same = [
            each
            for each in sent
            if not each.used
            and (not each.fields or each.fields.get("inputs") in (said, redact.text(said or "")))
            and bool(each.fields.get("is_retry")) == bool(fields.get("is_retry"))
        ]
        same.sort(key=lambda each: each.fields.get("id") != fields.get("id"))
        if not same:
            self._miss(f"the message {said!r}", [str(each.fields.get("inputs")) for each in sent])
        if old := same[0].fields.get("generationId"):
            self._generations[str(old).encode()] = generation_id.encode()
        same[0].used = True
        return same[0]

    def again(self, found: _Recorded, page_id: str) -> list[ExchangeEvent]:
        """Its events, as if they had happened up to now."""
        self._played += 1
        name = f"{page_id}:{self._played}"
        began = time.monotonic() - found.records[-1].at
        events = [tapes.to_exchange(record, began + record.at) for record in found.records]
        whole: list[ExchangeEvent] = []
        for event in events:
            if event is None:
                continue
            event = msgspec.structs.replace(event, exchange_id=name, page=page_id)
            if isinstance(event, Started) and event.body is not None:
                event = msgspec.structs.replace(event, body=self._translated(event.body))
            elif isinstance(event, Chunk):
                event = msgspec.structs.replace(event, data=self._translated(event.data))
            whole.append(event)
        last = found.records[-1]
        if not isinstance(last, tapes.End | tapes.Fail):
            now = time.monotonic()
            whole.append(Failed(exchange_id=name, page=page_id, at=now, reason="the tape ends here"))
        return whole

    def _reading(self, found: list[_Recorded]) -> _Recorded | None:
        """The last one before the next message; where there was none, the nearest."""
        following = (each.place for each in self._all if each.is_message and not each.used)
        end = next(following, len(self._all))
        before = [each for each in found if each.place < end]
        return before[-1] if before else found[0] if found else None

    def _translated(self, data: bytes) -> bytes:
        for old, new in self._generations.items():
            data = data.replace(old, new)
        return data

    def _miss(self, what: str, there: list[str]) -> NoReturn:
        close = difflib.get_close_matches(what, dict.fromkeys(there), n=1, cutoff=0.0)
        hint = f" The closest that is there: {close[0]}." if close else ""
        raise TapeMismatch(redact.text(f"Not on the tape, or played already: {what}.{hint}"))


def _path(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


def _same(recorded: Any, asked: Any) -> bool:
    """Whether two JSON bodies say the same, absent and null being one."""
    if isinstance(recorded, dict) and isinstance(asked, dict):
        return all(_same(recorded.get(name), asked.get(name)) for name in recorded.keys() | asked.keys())
    return bool(recorded == asked)
