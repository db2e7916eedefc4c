"""Finds and clicks a control by role and name, over CDP alone.

The browser's accessibility tree decides which controls exist. Unlike a search through the document, it knows
which ones are inert, for example behind a modal dialog. If several match, the first clickable one gets the
click. The browser takes long to make that tree, so a button whose name is unique is found without it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from huggingchat_agent.browser import evaluation, in_page
from huggingchat_agent.browser.cdp import Refused

if TYPE_CHECKING:
    from huggingchat_agent.browser.cdp import Cdp
    from huggingchat_agent.browser.protocols import Control

ABSENT = "it is not there, or hidden or inert"

_ANSWER_SECONDS = 1.0
_ROLES = {"img": "image"}  # ARIA roles that the browser names differently


class Obstacle:
    """Why a gesture has not been possible so far, for the error at its timeout.

    `now` is empty once the gesture was made, even if the page has not confirmed it yet. Otherwise callers
    would make it twice.
    """

    def __init__(self) -> None:
        self.now = ABSENT


async def is_present(cdp: Cdp, control: Control) -> bool:
    """Whether the control is in the accessibility tree now."""
    return bool(await _find_nodes(cdp, control))


async def wait_for_control(cdp: Cdp, control: Control) -> None:
    """Return when the control is in the accessibility tree."""
    while not await is_present(cdp, control):
        await evaluation.wait_for_change(cdp)


async def click(cdp: Cdp, control: Control, obstacle: Obstacle) -> None:
    """Click the control as soon as it is clickable."""
    if control.role == "button" and await _click_at_once(cdp, control, obstacle):
        return
    while True:
        first = ABSENT
        for node in await _find_nodes(cdp, control):
            element = await _resolve(cdp, node)
            if element is None:
                continue
            await _press(cdp, element, obstacle)
            if not obstacle.now:
                return
            first = first if first != ABSENT else obstacle.now
        obstacle.now = first
        if first == ABSENT and control.within:
            await _hover(cdp, control.within)
        await evaluation.wait_for_change(cdp)


async def _click_at_once(cdp: Cdp, control: Control, obstacle: Obstacle) -> bool:
    """Find the button in the document and click it. Returns whether the click reached it."""
    try:
        middle = await evaluation.evaluate_in_front(cdp, in_page.AIM_AT_BUTTON, control.name, control.within)
    except evaluation.DocumentLeft:
        return False
    if middle is None:
        return False
    await _press_mouse(cdp, middle, obstacle)
    return not obstacle.now


async def _hover(cdp: Cdp, selector: str) -> None:
    """Put the pointer on an element, if it can be reached."""
    try:
        element = await evaluation.find_element(cdp, selector)
        middle = None if element is None else await evaluation.call_on(cdp, element, in_page.MIDDLE)
    except evaluation.DocumentLeft:
        return
    if middle and not middle.get("obstacle"):
        await _dispatch_mouse(cdp, "mouseMoved", middle, button="none")


async def _press(cdp: Cdp, element: str, obstacle: Obstacle) -> None:
    """Press the mouse on the middle of an element, if it can be reached."""
    try:
        middle = await evaluation.call_on(cdp, element, in_page.AIM)
        if found := middle.get("obstacle"):
            obstacle.now = str(found)
            return
    except evaluation.DocumentLeft:
        obstacle.now = "it was replaced"
        return
    await _press_mouse(cdp, middle, obstacle)


async def read_outcome(cdp: Cdp, function: str, *args: Any) -> Any:
    """The page's result after a gesture; None if the gesture led to another page.

    A navigation that has begun holds back all scripts until the other site answers.
    """
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await evaluation.evaluate(cdp, function, *args)
    except (TimeoutError, evaluation.DocumentLeft):
        return None


async def _press_mouse(cdp: Cdp, middle: dict[str, float], obstacle: Obstacle) -> None:
    """Press the mouse on the target. The browser takes the steps in order, in one round trip."""
    obstacle.now = ""
    await asyncio.gather(
        _dispatch_mouse(cdp, "mouseMoved", middle, button="none"),
        _dispatch_mouse(cdp, "mousePressed", middle),
        _dispatch_mouse(cdp, "mouseReleased", middle),
    )
    if await read_outcome(cdp, in_page.READ_GUARD) in ("missed", ""):
        obstacle.now = "something else got the click"


async def _dispatch_mouse(cdp: Cdp, kind: str, middle: dict[str, float], button: str = "left") -> None:
    params: dict[str, Any] = {"type": kind, "x": middle["x"], "y": middle["y"], "button": button}
    if button != "none":
        params["clickCount"] = 1
    await cdp.send("Input.dispatchMouseEvent", params)


async def _find_nodes(cdp: Cdp, control: Control) -> list[dict[str, Any]]:
    """The matching nodes of the accessibility tree, in document order."""
    role = _ROLES.get(control.role, control.role)
    # Search the whole document: below an element without a role of its own, nothing would be found.
    await evaluation.bring_to_front(cdp)
    try:
        root = await evaluation.get_handle(cdp, "document")
        found = await cdp.send("Accessibility.queryAXTree", {"objectId": root, "role": role})
    except evaluation.DocumentLeft:
        return []
    except Refused as refused:
        if refused.document_left:
            return []
        raise
    # Compare names here: the browser's keep the markup's white space at their ends.
    named = [node for node in found["nodes"] if not node["ignored"] and _name(node) == control.name]
    if not control.within:
        return named
    return [node for node in named if await _is_within(cdp, node, control.within)]


async def _is_within(cdp: Cdp, node: dict[str, Any], selector: str) -> bool:
    try:
        element = await _resolve(cdp, node)
        return element is not None and bool(await evaluation.call_on(cdp, element, in_page.WITHIN, selector))
    except evaluation.DocumentLeft:
        return False


def _name(node: dict[str, Any]) -> str:
    return " ".join(str(node.get("name", {}).get("value", "")).split())


async def _resolve(cdp: Cdp, node: dict[str, Any]) -> str | None:
    """The element of a node of the accessibility tree; None if it is gone."""
    try:
        answer = await cdp.send("DOM.resolveNode", {"backendNodeId": node["backendDOMNodeId"]})
    except Refused as refused:
        if refused.document_left:
            return None
        raise
    element: str | None = answer["object"].get("objectId")
    return element
