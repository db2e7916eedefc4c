"""Running JavaScript in a tab over CDP, and waiting for what it says."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from huggingchat_agent import redact
from huggingchat_agent.browser import in_page
from huggingchat_agent.browser.cdp import Refused
from huggingchat_agent.errors import BrowserError

if TYPE_CHECKING:
    from huggingchat_agent.browser.cdp import Cdp

_BETWEEN_DOCUMENTS = 0.02  # seconds until a new document is looked for again


class DocumentLeft(BrowserError):
    """The document went away under a script: the page navigated."""


async def evaluate(cdp: Cdp, function: str, *args: Any, limit: float = 10.0) -> Any:
    """Call a function of the page's own world with JSON arguments; its awaited JSON result.

    After `limit` seconds on end in which the script does not let go, the browser stops it.
    Raises DocumentLeft, or BrowserError with what the page raised.
    """
    params = {
        "expression": f"({function})({', '.join(map(json.dumps, args))})",
        "returnByValue": True,
        "timeout": round(limit * 1000),
    }
    return _unpack_value(await _run(cdp, "Runtime.evaluate", params))


async def get_handle(cdp: Cdp, expression: str) -> str | None:
    """The remote object id of what the expression gives; None for null. Raises as `evaluate`."""
    answer = await _run(cdp, "Runtime.evaluate", {"expression": expression})
    found: str | None = _unpack_result(answer).get("objectId")
    return found


async def call_on(cdp: Cdp, this: str, function: str, *args: Any) -> Any:
    """Call a function with a remote object as `this`; its awaited JSON result. Raises as `evaluate`."""
    params = {
        "objectId": this,
        "functionDeclaration": function,
        "arguments": [{"value": each} for each in args],
        "returnByValue": True,
    }
    return _unpack_value(await _run(cdp, "Runtime.callFunctionOn", params))


async def wait_for(cdp: Cdp, function: str, *args: Any, limit: float = 10.0) -> Any:
    """Wait until the function gives something true, in whatever document is there by then; give that.

    `limit` is as for `evaluate`.
    """
    while True:
        try:
            return await evaluate(cdp, in_page.UNTIL.replace("CHECK", function), *args, limit=limit)
        except DocumentLeft:
            await asyncio.sleep(_BETWEEN_DOCUMENTS)


async def bring_to_front(cdp: Cdp) -> None:
    """Show the tab, as a person would who is about to use it.

    One that stands behind another gets a frame a second: its accessibility tree is then a second
    late, and so is whatever the page does frame by frame.
    """
    await cdp.send("Page.bringToFront")


async def wait_for_change(cdp: Cdp) -> None:
    """Wait until the document changes, at most 0.25 s; at least 0.03 s, for some change all the time."""
    try:
        await evaluate(cdp, in_page.CHANGED, 250, 30)
    except DocumentLeft:
        await asyncio.sleep(_BETWEEN_DOCUMENTS)


async def _run(cdp: Cdp, method: str, params: dict[str, Any]) -> dict[str, Any]:
    try:
        return await cdp.send(method, {**params, "awaitPromise": True, "userGesture": True})
    except Refused as refused:
        left, failure = refused.document_left, refused
    if left:
        raise DocumentLeft("The page went to another document while a script was running in it.")
    raise failure


def _unpack_value(answer: dict[str, Any]) -> Any:
    result = _unpack_result(answer)
    if "unserializableValue" in result:
        raise BrowserError(f"A script in the page gave {result['unserializableValue']}, which is not JSON.")
    return result.get("value")


def _unpack_result(answer: dict[str, Any]) -> dict[str, Any]:
    thrown = answer.get("exceptionDetails")
    if thrown:
        what = thrown.get("exception", {})
        said = str(what.get("description") or what.get("value") or thrown.get("text", "")).partition("\n")[0]
        raise BrowserError(f"A script in the page failed: {redact.text(said)}")
    result: dict[str, Any] = answer["result"]
    return result
