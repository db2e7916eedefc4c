"""A browser that is none: it answers the agent's own calls from a tape, and touches no network.

Everything above works as on a live one: calls are answered with what the app answered then, and a
message that was sent then gives the same exchange again, at once, with its times of then.

* A message is known by its text (and, where it was said more than once, by its parent, else in the
  order of then); other requests by method, path and JSON body. What writes is answered once.
* What reads is answered as at that place of the tape: by the last such read before the next message
  or conversation.
* The generation id is chosen anew by whoever sends, so the one of then is replaced by it wherever it
  comes.

What is not on the tape raises TapeMismatch (see `tape.matcher`). There are no pages: nothing can be
clicked or pictured.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import msgspec

from huggingchat_agent.errors import BrowserClosed, BrowserError, TapeMismatch
from huggingchat_agent.exchange import Chunk, Failed, Responded, Started
from huggingchat_agent.playback.faults import with_faults
from huggingchat_agent.playback.matcher import AGENT, Matcher
from huggingchat_agent.site import calls
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.tape.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from huggingchat_agent.browser.console_messages import PageMessage
    from huggingchat_agent.browser.protocols import Control, Snapshot, Upload
    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.settings import Settings
    from huggingchat_agent.tape.reader import Recording
    from huggingchat_agent.tape.summary import Exchange


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
    can: Mapping[str, bool] = {}

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
        self._matcher = Matcher(summarize(recording), AGENT)
        self._pages = 0
        self._callbacks: list[Callable[[], None]] = []

    async def new_page(self, sink: Callable[[ExchangeEvent], None]) -> TapedPage:
        self._pages += 1
        return TapedPage(f"taped-{self._pages}", self._matcher, sink)

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

    def __init__(self, id: str, matcher: Matcher, sink: Callable[[ExchangeEvent], None]) -> None:
        self.id = id
        self.closed = False
        self._matcher, self._sink = matcher, sink
        self._played = 0
        self._address = "about:blank"

    async def goto(self, url: str, *, timeout: float) -> None:
        self._check_open()
        self._address = url
        with contextlib.suppress(TapeMismatch):
            self._play("GET", url)

    async def evaluate(self, function: str, *args: Any, timeout: float) -> Any:
        self._check_open()
        if function == calls.CALL:
            asked = args[0]
            body = b"" if asked["json"] is None else msgspec.json.encode(asked["json"])
            return self._play(asked["method"], asked["url"], body)
        if function == calls.START:
            asked = args[0]
            data = next(part["body"] for part in asked["form"] if part["name"] == "data")
            self._play(asked["method"], asked["url"], data.encode())
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

    async def observe(self, hear: Callable[[PageMessage], None], *, everything: bool = False) -> None:
        return

    async def picture(self, secrets: Callable[[str], list[str]]) -> bytes:
        self._refuse()

    def _play(self, method: str, url: str, body: bytes = b"") -> dict[str, Any]:
        """Let an exchange happen again; what a call of ours would have got of it. Raises TapeMismatch."""
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        found, _ = self._matcher.find(method, target, body, "application/json")
        mime, status, headers, answer = "", 0, {}, b""
        for event in self._again(found):
            if isinstance(event, Responded):
                mime, status, headers = event.mime, event.status, event.headers
            elif isinstance(event, Chunk):
                answer += event.data
            self._sink(event)
            if isinstance(event, Failed) and not status:
                return {"failed": event.reason}
        redirected = 300 <= status < 400
        return {
            "status": 0 if redirected else status,
            "mime": headers.get("content-type", mime),
            "redirected": redirected,
            "headers": {} if redirected else headers,
            "body": "" if redirected else answer.decode("utf-8", "replace"),
        }

    def _again(self, found: Exchange) -> Iterator[ExchangeEvent]:
        """Its events, as if they had happened up to now."""
        self._played += 1
        of: dict[str, Any] = {"exchange_id": f"{self.id}:{self._played}", "page": self.id}
        last = found.records[-1]
        began = time.monotonic() - last.at
        for record in found.records:
            event = tapes.to_exchange(record, began + record.at)
            if isinstance(event, Started) and event.body is not None:
                event = msgspec.structs.replace(event, body=self._matcher.with_current_ids(event.body))
            elif isinstance(event, Chunk):
                event = msgspec.structs.replace(event, data=self._matcher.with_current_ids(event.data))
            if event is not None:
                yield msgspec.structs.replace(event, **of)
        if not isinstance(last, tapes.End | tapes.Fail):
            yield Failed(**of, at=time.monotonic(), reason="the tape ends here")

    def _check_open(self) -> None:
        if self.closed:
            raise BrowserClosed("The tab was closed.")

    def _refuse(self) -> NoReturn:
        raise BrowserError("There is no page here: the chat is answered from a tape.")
