"""The requests that the agent itself makes to the app.

All packages above make them through `Calls`. `PageCalls` makes them inside a page, with the page's cookies,
origin and fingerprint. A tape can answer `Calls` instead of a page.
"""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from huggingchat_agent import redact
from huggingchat_agent.browser import in_page
from huggingchat_agent.errors import SIGN_IN_AGAIN, PageChanged, SessionRejected, SiteError
from huggingchat_agent.wire import failures

if TYPE_CHECKING:
    from huggingchat_agent.browser.protocols import Page
    from huggingchat_agent.wire.requests import Call


class CallResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a call; `headers` in lower case.

    It never follows a redirect, because the app redirects only to its sign-in: then `redirected` is true and
    the rest is empty.
    """

    status: int
    mime: str
    redirected: bool
    headers: dict[str, str]
    body: str


class Calls(Protocol):
    """Makes requests of the app. Timeouts are in seconds.

    Everything raises SiteError when the site does not answer, and BrowserError when the page is gone.
    """

    @property
    def page_id(self) -> str:
        """The id of the page in the exchange events of these calls."""

    @property
    def closed(self) -> bool:
        """Whether no more calls can be made here."""

    async def call(self, request: Call, *, timeout: float) -> CallResult:
        """Make a request and return the whole answer, whatever its status."""

    async def download(self, request: Call, *, timeout: float) -> tuple[CallResult, bytes]:
        """Like `call`, for an answer of any bytes.

        The bytes are empty unless the status is 200; the text of a refusal is in the result. Raises SiteError
        for more than LARGEST bytes.
        """

    async def start(self, request: Call, key: str, *, timeout: float) -> None:
        """Start a streaming request and return at once. `key` names it for `abort`.

        The answer arrives only as exchange events.
        """

    async def abort(self, key: str, *, timeout: float) -> None:
        """Drop a stream that was started. The run itself goes on; another request stops it."""

    async def read_timezone(self, *, timeout: float) -> str:
        """The IANA name of the browser's time zone, which the app gets."""


# The page hands over a download in steps, because results go through the browser's debugging connection.
PIECE = 768 * 1024  # bytes, a multiple of three so that the base64 texts have no padding between them

# The largest download: the page and the caller both hold all of it.
LARGEST = 256 * 1024 * 1024  # bytes

# The page gets a file in pieces of this many characters, for the same reason.
PIECE_TEXT = 1024 * 1024

# One request, from a description in JSON. Files have the app's own form: a Blob of base64 text with a name
# that says so. A long text is kept in the page before, under a key.
_REQUEST = """
const request = (call, signal, redirect = "follow") => {
  const init = { method: call.method, headers: call.headers, signal, redirect };
  if (call.form) {
    init.body = new FormData();
    for (const part of call.form) {
      if (part.filename === null) init.body.append(part.name, part.body);
      else {
        const text = part.key ? (TAKE_KEPT)(part.key) : [part.body];
        init.body.append(part.name, new Blob(text, { type: part.mime }), part.filename);
      }
    }
  } else if (call.whole) {
    const text = (call.whole.key ? (TAKE_KEPT)(call.whole.key) : [call.whole.body]).join("");
    const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    init.body = new Blob([bytes], { type: call.whole.mime });
  } else if (call.json !== null) init.body = JSON.stringify(call.json);
  return fetch(call.url, init);
};
const describe = (response) => ({
  status: response.status, mime: response.headers.get("content-type") ?? "",
  redirected: response.type === "opaqueredirect", headers: Object.fromEntries(response.headers),
});
const explain = (error) => ({ failed: error.name === "TimeoutError" ? "no answer in time" : error.message });
// A symbol, so that it cannot collide with a name of the app's own scripts.
const running = (window[Symbol.for("streams")] ??= new Map());
""".replace("TAKE_KEPT", in_page.TAKE_KEPT)

CALL = f"""async (call, milliseconds) => {{ {_REQUEST}
  try {{
    // Without its own limit, a call that is no longer awaited would keep its connection.
    const response = await request(call, AbortSignal.timeout(milliseconds), "manual");
    return {{ ...describe(response), body: await response.text() }};
  }} catch (error) {{ return explain(error); }}
}}"""

FETCH = f"""async (call, milliseconds, key, largest) => {{ {_REQUEST}
  const held = (window[Symbol.for("downloads")] ??= new Map());
  try {{
    const response = await request(call, AbortSignal.timeout(milliseconds), "manual");
    const pieces = [], reader = response.body?.getReader();
    let size = 0;
    for (let step; reader && !(step = await reader.read()).done; pieces.push(step.value)) {{
      size += step.value.length;
      if (size > largest) {{
        await reader.cancel();
        return {{ larger: largest }};
      }}
    }}
    const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
    if (response.ok) held.set(key, bytes);
    const body = response.ok ? "" : new TextDecoder().decode(bytes);
    return {{ ...describe(response), body, size: bytes.length }};
  }} catch (error) {{ return explain(error); }}
}}"""

TAKE = """(key, from, to) => {
  const bytes = window[Symbol.for("downloads")].get(key).subarray(from, to);
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000)
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}"""

FORGET = """(key) => { window[Symbol.for("downloads")]?.delete(key); }"""

START = f"""(call, key) => {{ {_REQUEST}
  const controller = new AbortController();
  running.set(key, controller);
  (async () => {{
    // A redirect leads to the sign-in. Following it might interfere with a sign-in that is under way.
    const reader = (await request(call, controller.signal, "manual")).body?.getReader();
    while (reader && !(await reader.read()).done);
  }})().catch(() => {{}}).finally(() => running.delete(key));
}}"""

TIMEZONE = "() => Intl.DateTimeFormat().resolvedOptions().timeZone"

ABORT = f"(key) => {{ {_REQUEST} running.get(key)?.abort(); }}"


class PageCalls:
    """Implements `Calls` inside a page of the app."""

    def __init__(self, page: Page, base_url: str) -> None:
        self._page, self._base_url = page, base_url

    @property
    def page_id(self) -> str:
        return self._page.id

    @property
    def closed(self) -> bool:
        return self._page.closed

    async def call(self, request: Call, *, timeout: float) -> CallResult:
        description = await self._describe(request, timeout)
        # The page's own limit comes first; ours is for a page that does not run at all.
        result = await self._page.evaluate(CALL, description, round(timeout * 1000), timeout=timeout + 2.0)
        return self._parse_result(result, request)

    async def download(self, request: Call, *, timeout: float) -> tuple[CallResult, bytes]:
        page, key = self._page, uuid.uuid4().hex
        limits = round(timeout * 1000), key, LARGEST
        try:
            result = await page.evaluate(
                FETCH, await self._describe(request, timeout), *limits, timeout=timeout + 2.0
            )
            if larger := result.get("larger"):
                raise SiteError(
                    f"{request.path.partition('?')[0]} is larger than {larger:,} bytes, the limit for a "
                    "download. Download it in your own browser."
                )
            answer = self._parse_result(result, request)
            size = result["size"] if answer.status == 200 else 0
            pieces = [
                base64.b64decode(await page.evaluate(TAKE, key, at, at + PIECE, timeout=timeout))
                for at in range(0, size, PIECE)
            ]
        finally:
            if not page.closed:
                await page.evaluate(FORGET, key, timeout=timeout)
        return answer, b"".join(pieces)

    async def start(self, request: Call, key: str, *, timeout: float) -> None:
        """The page reads the stream and discards it; the tap takes the bytes from the traffic."""
        await self._page.evaluate(START, await self._describe(request, timeout), key, timeout=timeout)

    async def abort(self, key: str, *, timeout: float) -> None:
        await self._page.evaluate(ABORT, key, timeout=timeout)

    async def read_timezone(self, *, timeout: float) -> str:
        return str(await self._page.evaluate(TIMEZONE, timeout=timeout))

    async def _describe(self, request: Call, timeout: float) -> dict[str, Any]:
        """The request for the page, after the page has got its long files. Each piece gets that time."""
        headers = dict(request.headers)
        if request.json is not None:
            headers.setdefault("content-type", "application/json")
        form: list[dict[str, Any]] | None = None
        if request.form is not None:
            form = [await self._hand_over(msgspec.to_builtins(part), timeout) for part in request.form]
        whole: dict[str, Any] | None = None
        if request.whole is not None:
            whole = await self._hand_over(msgspec.to_builtins(request.whole), timeout)
        return {
            "url": self._base_url + request.path,
            "method": request.method,
            "headers": headers,
            "json": request.json,
            "form": form,
            "whole": whole,
        }

    async def _hand_over(self, part: dict[str, Any], timeout: float) -> dict[str, Any]:
        text = part["body"]
        if part["filename"] is None or len(text) <= PIECE_TEXT:
            return part
        key = uuid.uuid4().hex
        for at in range(0, len(text), PIECE_TEXT):
            await self._page.evaluate(in_page.KEEP, key, text[at : at + PIECE_TEXT], timeout=timeout)
        return {**part, "body": "", "key": key}

    def _parse_result(self, result: dict[str, Any], request: Call) -> CallResult:
        if failure := result.get("failed"):
            raise make_no_answer_error(self._base_url, request, failure)
        return msgspec.convert(result, CallResult)


def make_no_answer_error(base_url: str, request: Call, reason: str) -> SiteError:
    """The error for a request without an answer."""
    error = SiteError(
        f"{redact.address(base_url)} did not answer {request.method} {request.path.partition('?')[0]}: "
        f"{reason}. Is the site still there, and the network?"
    )
    error.answered = False
    return error


def require_success(answer: CallResult, request: Call, *, conversation_id: str = "") -> bytes:
    """The body of a successful answer. Raises the error that fits any other answer."""
    body = answer.body.encode()
    if answer.redirected:
        raise SessionRejected(
            "The app no longer knows this session: it answered with its sign-in page.", **SIGN_IN_AGAIN
        )
    if answer.status == 404 and failures.is_unknown_route(answer.status, answer.mime):
        path = request.path.partition("?")[0]
        raise PageChanged(f"This app has no {path} (404).", part=f"the route {request.route or path}")
    if answer.status >= 400 or "html" in answer.mime:
        raise failures.from_response(
            answer.status, answer.mime, body, answer.headers, conversation_id=conversation_id
        )
    return body
