"""Runs JavaScript in a tab over CDP, and waits for its results."""

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

_BETWEEN_DOCUMENTS = 0.02  # seconds between two looks for a new document


class DocumentLeft(BrowserError):
    """The page navigated while a script ran in it."""


async def evaluate(cdp: Cdp, function: str, *args: Any, limit: float = 10.0) -> Any:
    """Call a function in the page's own world with JSON arguments; returns its awaited JSON result.

    The browser stops a script that blocks for `limit` seconds. Raises DocumentLeft, or BrowserError with
    the page's own message.
    """
    params = {
        "expression": f"({function})({', '.join(map(json.dumps, args))})",
        "returnByValue": True,
        "timeout": round(limit * 1000),
    }
    return _unpack_value(await _run(cdp, "Runtime.evaluate", params))


async def get_handle(cdp: Cdp, expression: str) -> str | None:
    """The remote object id of an expression's value; None for null. Raises as `evaluate`."""
    answer = await _run(cdp, "Runtime.evaluate", {"expression": expression})
    found: str | None = _unpack_result(answer).get("objectId")
    return found


async def find_element(cdp: Cdp, selector: str) -> str | None:
    """The remote object id of the first element of a CSS selector; None if there is none."""
    return await get_handle(cdp, f"document.querySelector({json.dumps(selector)})")


async def call_on(cdp: Cdp, this: str, function: str, *args: Any) -> Any:
    """Call a function with a remote object as `this`; returns its awaited JSON result, as `evaluate`."""
    params = {
        "objectId": this,
        "functionDeclaration": function,
        "arguments": [{"value": each} for each in args],
        "returnByValue": True,
    }
    return _unpack_value(await _run(cdp, "Runtime.callFunctionOn", params))


async def wait_for(cdp: Cdp, function: str, *args: Any, limit: float = 10.0) -> Any:
    """Wait until the function returns something true, across navigations; return that.

    `limit` is as for `evaluate`.
    """
    while True:
        try:
            return await evaluate(cdp, in_page.UNTIL.replace("CHECK", function), *args, limit=limit)
        except DocumentLeft:
            await asyncio.sleep(_BETWEEN_DOCUMENTS)


async def evaluate_in_front(cdp: Cdp, function: str, *args: Any) -> Any:
    """As `evaluate`, after `bring_to_front`. Both are one round trip."""
    _, value = await asyncio.gather(bring_to_front(cdp), evaluate(cdp, function, *args))
    return value


async def bring_to_front(cdp: Cdp) -> None:
    """Show the tab, as a person would before using it.

    A tab behind another gets one frame a second. Its accessibility tree and its animations are then a second
    late.
    """
    await cdp.send("Page.bringToFront")


async def wait_for_change(cdp: Cdp) -> None:
    """Wait for the document's next change: at least 0.03 s (some change all the time), at most 0.25 s."""
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
        raise DocumentLeft("The page navigated while a script was running in it.")
    raise failure


def _unpack_value(answer: dict[str, Any]) -> Any:
    result = _unpack_result(answer)
    if "unserializableValue" in result:
        value = result["unserializableValue"]
        raise BrowserError(f"A script in the page returned {value}, which is not JSON.")
    return result.get("value")


def _unpack_result(answer: dict[str, Any]) -> dict[str, Any]:
    thrown = answer.get("exceptionDetails")
    if thrown:
        what = thrown.get("exception", {})
        said = str(what.get("description") or what.get("value") or thrown.get("text", "")).partition("\n")[0]
        raise BrowserError(f"A script in the page failed: {redact.text(said)}")
    result: dict[str, Any] = answer["result"]
    return result
