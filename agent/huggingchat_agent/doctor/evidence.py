"""The evidence for a bug report: the requests of a walk, and the shapes of their answers, without values."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from huggingchat_agent import files, redact
from huggingchat_agent.errors import StorageError, UsageError
from huggingchat_agent.exchange import Chunk, Ended, Responded, Started
from huggingchat_agent.wire import lenient_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggingchat_agent.chat.chat import Chat
    from huggingchat_agent.doctor.finding import Report
    from huggingchat_agent.events import Seen

LONGEST = 1024 * 1024  # bytes of an answer that is described
DEEPEST = 8
MOST = 60  # names of one object
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{24}")
_STREAMS = ("jsonl", "event-stream")
_TOLD = ("json", "html", "event-stream", "sveltekit-data")  # no scripts, styles and pictures


class Evidence:
    """Collects the requests of a chat from now on. `write` makes the folder."""

    def __init__(self, chat: Chat) -> None:
        self._base = chat.settings.base_path
        self._lines: list[str] = []
        self._open: dict[str, tuple[Started, list[Responded], bytearray]] = {}
        chat.on("exchange", self._see)

    def write(self, folder: Path, report: Report, *, hide: str = "") -> None:
        """Write report.json and requests.txt into the folder, which must not exist. `hide` is a user name.

        Raises StorageError.
        """
        with files.explain_failure(StorageError, f"{folder} cannot be written"):
            folder.mkdir(mode=0o700, parents=True)
            body = msgspec.json.format(msgspec.json.encode(report), indent=2).decode()
            for name, text in {"report.json": body, "requests.txt": "".join(self._lines)}.items():
                files.write(folder / name, _hide(text, hide).encode(), private=True)

    def _see(self, seen: Seen) -> None:
        event = seen.exchange
        if isinstance(event, Started):
            self._open[event.exchange_id] = (event, [], bytearray())
        elif event.exchange_id in self._open:
            started, responded, body = self._open[event.exchange_id]
            if isinstance(event, Responded):
                responded.append(event)
            elif isinstance(event, Chunk):
                if len(body) < LONGEST:
                    body += event.data
            elif isinstance(event, Ended):
                del self._open[event.exchange_id]
                if responded and any(each in responded[0].mime for each in _TOLD):
                    self._lines.append(_describe(started, responded[0], bytes(body), self._base))


def check_folder(folder: Path | None) -> None:
    """Check a folder before the walk. Raises UsageError if it exists."""
    if folder is not None and folder.exists():
        raise UsageError(f"{folder} exists already. Name a folder that does not.")


def _describe(started: Started, responded: Responded, body: bytes, base: str) -> str:
    path = _ID.sub("ID", urlsplit(started.url).path.removeprefix(base))
    head = f"{started.method} {path} -> {responded.status} {responded.mime}\n"
    if "json" not in responded.mime and "event-stream" not in responded.mime:
        return head
    streams = any(each in responded.mime for each in _STREAMS)
    shapes = _line_shapes(body) if streams else [_shape_of(body)]
    return head + "".join(f"    {each}\n" for each in shapes if each)


def _line_shapes(body: bytes) -> Iterator[str]:
    seen: dict[str, int] = {}
    for line in body.split(b"\n"):
        shape = _shape_of(line.removeprefix(b"data:"), tags=True)
        if shape:
            seen[shape] = seen.get(shape, 0) + 1
    return (f"{count} x {shape}" for shape, count in seen.items())


def _shape_of(body: bytes, *, tags: bool = False) -> str:
    try:
        return str(_skeleton(lenient_json.load(body), 0, tags=tags))
    except ValueError:
        return ""


def _skeleton(value: Any, depth: int, *, tags: bool = False) -> Any:
    """The value with names and types only. With `tags` the app's words for the kind of a line stay."""
    if depth > DEEPEST:
        return "..."
    if isinstance(value, dict):
        kept = ("type", "subtype", "status")
        return {
            redact.text(str(name))[:MOST]: each
            if tags and name in kept and isinstance(each, str)
            else _skeleton(each, depth + 1)
            for name, each in list(value.items())[:MOST]
        }
    if isinstance(value, list):
        shapes = [_skeleton(each, depth + 1) for each in value[:MOST]]
        return [each for number, each in enumerate(shapes) if each not in shapes[:number]]
    return type(value).__name__


def _hide(text: str, username: str) -> str:
    text = redact.text(text).replace(str(Path.home()), "~")
    return re.sub(rf"\b{re.escape(username)}\b", "USER", text) if username else text
