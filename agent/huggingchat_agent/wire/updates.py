"""The lines of an answer's stream, from both generations of the app, as typed values.

Each line is a JSON object with a `type`; most have a `subtype` or `status` too. Optional keys are missing,
or null, in some version of the app. Unknown keys are ignored, and so is white space around a line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.wire import lenient_json

if TYPE_CHECKING:
    from collections.abc import Sequence


class Update(msgspec.Struct, frozen=True, rename="camel"):
    """Base of all lines."""


class Started(Update, frozen=True):
    """The run began."""


class KeepAlive(Update, frozen=True):
    """Nothing new, but the connection lives; every 100 ms."""


class Errored(Update, frozen=True):
    """The run failed, at `status_code` upstream where the app knows it. Nothing follows."""

    message: str | None = None
    status_code: int | None = None


class Finished(Update, frozen=True):
    """The run is over (since 2026-02)."""


class Title(Update, frozen=True):
    """The conversation got a title."""

    title: str


class Token(Update, frozen=True, gc=False):
    """Some text. In stored messages the token is empty and `length` says where the text was."""

    token: str
    length: int | None = msgspec.field(name="len", default=None)


class FinalAnswer(Update, frozen=True):
    """The whole text of the last round."""

    text: str
    interrupted: bool | None = False
    web_sources: list[dict[str, Any]] | None = None


class ReasoningToken(Update, frozen=True):
    """Some reasoning (2025-04; later it is inline in the text)."""

    token: str


class ReasoningStatus(Update, frozen=True):
    """A line about the reasoning, such as "Done in 3s."."""

    status: str


class RouterMetadata(Update, frozen=True):
    """The router's choice. Any field may be empty and follow in a later line."""

    route: str | None = None
    model: str | None = None
    provider: str | None = None


class Call(msgspec.Struct, frozen=True):
    """Name and arguments of a tool call."""

    name: str = ""
    parameters: dict[str, Any] | None = None


class ToolCall(Update, frozen=True):
    """The model calls a tool; `arguments_raw` is what it wrote as arguments (since 2026-08)."""

    uuid: str
    call: Call
    arguments_raw: str | None = None


class ToolEta(Update, frozen=True):
    """The tool is expected to take `eta` seconds."""

    uuid: str
    eta: float


class ToolProgress(Update, frozen=True):
    """How far the tool is."""

    uuid: str
    progress: float
    total: float | None = None
    message: str | None = None


class Result(msgspec.Struct, frozen=True):
    """A tool's result: outputs if `status` is "success", else a message."""

    status: str
    call: Call | None = None
    outputs: list[Any] | None = None
    message: str | None = None


class ToolResult(Update, frozen=True):
    """The tool ended, with success or an error."""

    uuid: str
    result: Result


class ToolError(Update, frozen=True):
    """The tool could not be called."""

    uuid: str
    message: str | None = None


class File(Update, frozen=True):
    """A file was stored in the conversation under `sha`."""

    name: str
    sha: str
    mime: str


class SearchUpdate(Update, frozen=True):
    """A line about the web search (2025-04)."""

    message: str
    args: list[Any] | None = None


class SearchError(Update, frozen=True):
    """The web search failed (2025-04)."""

    message: str
    args: list[Any] | None = None


class SearchSources(Update, frozen=True):
    """The pages found (2025-04), each with `link` and perhaps `title`."""

    sources: list[dict[str, Any]]


class SearchFinished(Update, frozen=True):
    """The web search is over (2025-04)."""


class Question(msgspec.Struct, frozen=True, rename="camel"):
    """A tool's question to the user; `fields` for mode "form", `url` for mode "url"."""

    elicitation_id: str
    server: str = ""
    mode: str = "form"
    message: str = ""
    fields: list[Any] | None = None
    url: str | None = None


class ElicitationRequest(Update, frozen=True):
    """A tool asks the user. The run waits until `expires_at` (unix time in ms), or else parks."""

    request: Question
    expires_at: float | None = None
    tool_uuid: str | None = None


class ElicitationResolved(Update, frozen=True):
    """The question is settled."""

    elicitation_id: str
    action: str | None = None
    resolution: str | None = None
    content: dict[str, Any] | None = None


class Unknown(Update, frozen=True):
    """A line of an unknown type or shape: its JSON value, or its text if it is not JSON."""

    raw: Any


_KINDS: dict[tuple[str, str | None], type[Update]] = {
    ("status", "started"): Started,
    ("status", "keepAlive"): KeepAlive,
    ("status", "error"): Errored,
    ("status", "finished"): Finished,
    ("title", None): Title,
    ("stream", None): Token,
    ("finalAnswer", None): FinalAnswer,
    ("reasoning", "stream"): ReasoningToken,
    ("reasoning", "status"): ReasoningStatus,
    ("routerMetadata", None): RouterMetadata,
    ("tool", "call"): ToolCall,
    ("tool", "eta"): ToolEta,
    ("tool", "progress"): ToolProgress,
    ("tool", "result"): ToolResult,
    ("tool", "error"): ToolError,
    ("file", None): File,
    ("webSearch", "update"): SearchUpdate,
    ("webSearch", "error"): SearchError,
    ("webSearch", "sources"): SearchSources,
    ("webSearch", "finished"): SearchFinished,
    ("elicitation", "request"): ElicitationRequest,
    ("elicitation", "resolved"): ElicitationResolved,
}

# Nearly all lines are tokens and keep-alives in this form. They are decoded in one step.
_TOKEN = b'{"type":"stream",'
_KEEP_ALIVE = b'{"type":"status","status":"keepAlive"}'
_ALIVE = KeepAlive()

# A line that nests deeper is taken as text: code that walks its value would exceed the recursion limit.
DEEPEST = 100

_token = msgspec.json.Decoder(Token).decode
_tokens = msgspec.json.Decoder(Token).decode_lines

# The errors of decoding. The line is then Unknown.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

# The app pads short tokens with NULs to 16 characters. In JSON a NUL is this, unless its backslash is
# escaped.
_NUL = b"\\u0000"
_NO_NUL = b"\\" + _NUL


def decode_lines(lines: bytes) -> Sequence[Update]:
    """The updates of whole lines, as `decode` gives them. Blank lines have none.

    Lines that all hold tokens, as nearly all do, are decoded in one step.
    """
    if lines.startswith(_TOKEN) and _NO_NUL not in lines:
        try:
            found = _tokens(lines.replace(_NUL, b""))
        except _UNREADABLE:
            found = []
        if len(found) == lines.count(_TOKEN):  # else some have a token, but are of another type
            return found
    return [decode(line) for each in lines.split(b"\n") if (line := each.strip())]


def decode(line: bytes) -> Update:
    """The update of one line. Never raises: an unreadable line is Unknown."""
    if line.startswith(_TOKEN):
        try:
            update = _token(line)
        except _UNREADABLE:
            return _decode(line)
        return Token(update.token.replace("\0", ""), update.length) if "\0" in update.token else update
    return _ALIVE if line == _KEEP_ALIVE else _decode(line)


def _decode(line: bytes) -> Update:
    try:
        raw = lenient_json.load(line)
    except ValueError:
        return Unknown(line.decode("utf-8", "replace"))
    if line.count(b"[") + line.count(b"{") > DEEPEST and _measure_depth(raw) > DEEPEST:
        return Unknown(line.decode("utf-8", "replace"))
    return parse(raw)


def _measure_depth(value: Any) -> int:
    """The depth to which lists and objects are nested."""
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, list | dict)]:
        depth += 1
        level = [below for each in level for below in (each.values() if isinstance(each, dict) else each)]
    return depth


def parse(raw: Any) -> Update:
    """The update of a decoded line, as stored messages hold them."""
    if not isinstance(raw, dict):
        return Unknown(raw)
    name = raw.get("type")
    below = raw.get("status") if name == "status" else raw.get("subtype")
    kind = _KINDS.get((name, below)) if isinstance(name, str) and isinstance(below, str | None) else None
    if kind is None:
        return Unknown(raw)
    try:
        update = msgspec.convert(raw, kind)
    except (msgspec.ValidationError, RecursionError):
        return Unknown(raw)
    return Token(update.token.replace("\0", ""), update.length) if isinstance(update, Token) else update
