"""Requests of the app, made inside the page: its cookies, its origin, its fingerprint.

`call` waits for the whole answer, `download` as well, for one that is not text. `start` only sets a
stream going: the page reads it to its end and throws it away, for the bytes are taken off the wire by
the tap.
"""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent import redact
from huggingchat_agent.errors import SessionRejected, SiteError
from huggingchat_agent.wire import failures

if TYPE_CHECKING:
    from huggingchat_agent.browser.protocols import Page
    from huggingchat_agent.wire.requests import Call


class CallResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a call; `headers` in lower case.

    A redirect is not followed, for the app sends only to its sign-in: then `redirected` is true and
    the rest is empty.
    """

    status: int
    mime: str
    redirected: bool
    headers: dict[str, str]
    body: str


# Of a download, per step: what a script returns goes through the browser's debugging connection.
PIECE = 768 * 1024  # bytes, a multiple of three so that the base64 texts have no padding between them

# Of a download in all: the page holds it whole, and so does who asked for it.
LARGEST = 256 * 1024 * 1024  # bytes

# One request, from a description that JSON can carry. Files travel as the app sends them: a Blob
# of base64 text under a name that says so.
_REQUEST = """
const request = (call, signal, redirect = "follow") => {
  const init = { method: call.method, headers: call.headers, signal, redirect };
  if (call.form) {
    init.body = new FormData();
    for (const part of call.form) {
      if (part.filename === null) init.body.append(part.name, part.body);
      else init.body.append(part.name, new Blob([part.body], { type: part.mime }), part.filename);
    }
  } else if (call.json !== null) init.body = JSON.stringify(call.json);
  return fetch(call.url, init);
};
// Not a name in the page's scope: the app's own scripts must not run into it.
const running = (window[Symbol.for("streams")] ??= new Map());
"""

CALL = f"""async (call, milliseconds) => {{ {_REQUEST}
  try {{
    // Without a limit of its own, a call that nobody waits for any more would keep its connection.
    const response = await request(call, AbortSignal.timeout(milliseconds), "manual");
    return {{
      status: response.status, mime: response.headers.get("content-type") ?? "",
      redirected: response.type === "opaqueredirect", headers: Object.fromEntries(response.headers),
      body: await response.text(),
    }};
  }} catch (error) {{
    return {{ failed: error.name === "TimeoutError" ? "no answer in time" : error.message }};
  }}
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
    return {{
      status: response.status, mime: response.headers.get("content-type") ?? "",
      redirected: response.type === "opaqueredirect", headers: Object.fromEntries(response.headers),
      body: response.ok ? "" : new TextDecoder().decode(bytes), size: bytes.length,
    }};
  }} catch (error) {{
    return {{ failed: error.name === "TimeoutError" ? "no answer in time" : error.message }};
  }}
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
    // A redirect leads to the sign-in: to follow it might sign in behind the back of whoever does so now.
    const reader = (await request(call, controller.signal, "manual")).body?.getReader();
    while (reader && !(await reader.read()).done);
  }})().catch(() => {{}}).finally(() => running.delete(key));
}}"""

TIMEZONE = "() => Intl.DateTimeFormat().resolvedOptions().timeZone"

ABORT = f"(key) => {{ {_REQUEST} running.get(key)?.abort(); }}"


async def call(page: Page, base_url: str, request: Call, *, timeout: float) -> CallResult:
    """Make the call and return the answer, whatever its status. Seconds.

    Raises SiteError when the site does not answer.
    """
    described = _described(base_url, request)
    # The page has the first word on the time; ours is for a page that does not run at all.
    result = await page.evaluate(CALL, described, round(timeout * 1000), timeout=timeout + 2.0)
    return _answered(result, base_url, request)


async def download(page: Page, base_url: str, request: Call, *, timeout: float) -> tuple[CallResult, bytes]:
    """As `call`, for an answer of any bytes; they are fetched in the page and taken from it bit by bit.

    The bytes are empty unless the status is a success; the text of a refusal is in the result. Raises
    SiteError, too, for more than LARGEST bytes.
    """
    key = uuid.uuid4().hex
    try:
        fetched = await page.evaluate(
            FETCH, _described(base_url, request), round(timeout * 1000), key, LARGEST, timeout=timeout + 2.0
        )
        if larger := fetched.get("larger"):
            raise SiteError(
                f"{request.path.partition('?')[0]} is larger than {larger:,} bytes, and no more than that is "
                "taken from a page. Download it in a browser of your own."
            )
        answer = _answered(fetched, base_url, request)
        size = fetched["size"] if answer.status == 200 else 0
        pieces = [
            base64.b64decode(await page.evaluate(TAKE, key, at, at + PIECE, timeout=timeout))
            for at in range(0, size, PIECE)
        ]
    finally:
        if not page.closed:
            await page.evaluate(FORGET, key, timeout=timeout)
    return answer, b"".join(pieces)


def _answered(result: dict[str, Any], base_url: str, request: Call) -> CallResult:
    if failed := result.get("failed"):
        raise SiteError(
            f"{redact.address(base_url)} did not answer {request.method} {request.path.partition('?')[0]}: "
            f"{failed}. Is the site still there, and the network?"
        )
    return msgspec.convert(result, CallResult)


def success(answer: CallResult, *, conversation_id: str = "") -> bytes:
    """The body of an answer that is a success. Raises the error that fits any other."""
    body = answer.body.encode()
    if answer.redirected:
        raise SessionRejected(
            "The app no longer knows this session: it answered with its sign-in page. Sign in again "
            "(huggingchat login)."
        )
    if answer.status >= 400 or "html" in answer.mime:
        raise failures.from_response(
            answer.status, answer.mime, body, answer.headers, conversation_id=conversation_id
        )
    return body


async def start(page: Page, base_url: str, request: Call, key: str, *, timeout: float) -> None:
    """Set a streaming call going and return at once. `key` names it for `abort`."""
    await page.evaluate(START, _described(base_url, request), key, timeout=timeout)


async def abort(page: Page, key: str, *, timeout: float) -> None:
    """Drop a stream that was set going. The run itself goes on; stopping it is a call of its own."""
    await page.evaluate(ABORT, key, timeout=timeout)


def _described(base_url: str, request: Call) -> dict[str, Any]:
    headers = dict(request.headers)
    if request.json is not None:
        headers.setdefault("content-type", "application/json")
    form = None if request.form is None else [msgspec.to_builtins(part) for part in request.form]
    return {
        "url": base_url + request.path,
        "method": request.method,
        "headers": headers,
        "json": request.json,
        "form": form,
    }
