"""Requests of the app, made inside the page: its cookies, its origin, its fingerprint.

`call` waits for the whole answer. `start` only sets a stream going: the page reads it to its end
and throws it away, for the bytes are taken off the wire by the tap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from huggingchat_agent.browser.protocols import Page
    from huggingchat_agent.wire.requests import Call


class CallResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a call. `url` is where it came from after redirects; `headers` in lower case."""

    status: int
    mime: str
    url: str
    redirected: bool
    headers: dict[str, str]
    body: str


# One request, from a description that JSON can carry. Files travel as the app sends them: a Blob
# of base64 text under a name that says so.
_REQUEST = """
const request = (call, signal) => {
  const init = { method: call.method, headers: call.headers, signal };
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

_CALL = f"""async (call) => {{ {_REQUEST}
  const response = await request(call);
  return {{
    status: response.status, mime: response.headers.get("content-type") ?? "", url: response.url,
    redirected: response.redirected, headers: Object.fromEntries(response.headers),
    body: await response.text(),
  }};
}}"""

_START = f"""(call, key) => {{ {_REQUEST}
  const controller = new AbortController();
  running.set(key, controller);
  (async () => {{
    const reader = (await request(call, controller.signal)).body.getReader();
    while (!(await reader.read()).done);
  }})().catch(() => {{}}).finally(() => running.delete(key));
}}"""

_ABORT = f"(key) => {{ {_REQUEST} running.get(key)?.abort(); }}"


async def call(page: Page, base_url: str, request: Call, *, timeout: float) -> CallResult:
    """Make the call and return the answer, whatever its status. Seconds.

    Raises BrowserTimeout when the time is over and BrowserError when the request could not be made.
    """
    result = await page.evaluate(_CALL, _described(base_url, request), timeout=timeout)
    return msgspec.convert(result, CallResult)


async def start(page: Page, base_url: str, request: Call, key: str, *, timeout: float) -> None:
    """Set a streaming call going and return at once. `key` names it for `abort`."""
    await page.evaluate(_START, _described(base_url, request), key, timeout=timeout)


async def abort(page: Page, key: str, *, timeout: float) -> None:
    """Drop a stream that was set going. The run itself goes on; stopping it is a call of its own."""
    await page.evaluate(_ABORT, key, timeout=timeout)


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
