"""Finding and clicking a control by role and name, over CDP alone.

The accessibility tree of the browser decides what there is: unlike a search through the document it
knows which controls are inert, behind a modal dialog for instance. Where several match, the first
that can be clicked is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from huggingchat_agent.browser import in_page, script
from huggingchat_agent.browser.cdp import Refused
from huggingchat_agent.errors import BrowserError

if TYPE_CHECKING:
    from huggingchat_agent.browser.cdp import Cdp
    from huggingchat_agent.browser.protocols import Control

ABSENT = "it is not there, or hidden or inert"

_LOOK_AGAIN = 0.25  # seconds; a change of the document makes us look at once
_ROLES = {"img": "image"}  # where the browser's word is not ARIA's


class Obstacle:
    """Why a gesture was not possible so far; for the error when its time is over."""

    def __init__(self) -> None:
        self.now = ABSENT


async def present(cdp: Cdp, control: Control) -> bool:
    """Whether the control is in the accessibility tree now."""
    return bool(await _nodes(cdp, control))


async def appear(cdp: Cdp, control: Control) -> None:
    """Return when the control is in the accessibility tree."""
    while not await present(cdp, control):
        await script.changed(cdp, _LOOK_AGAIN)


async def click(cdp: Cdp, control: Control, obstacle: Obstacle) -> None:
    """Click the control as soon as it can be clicked."""
    while True:
        obstacles = []
        for node in await _nodes(cdp, control):
            element = await _resolve(cdp, node)
            if element is None:
                continue
            obstacles.append(await press(cdp, element))
            if obstacles[-1] is None:
                return
        obstacle.now = obstacles[0] or ABSENT if obstacles else ABSENT
        await script.changed(cdp, _LOOK_AGAIN)


async def press(cdp: Cdp, element: str) -> str | None:
    """Press the mouse on the middle of an element; None if that was done, else the obstacle."""
    try:
        middle = await script.call(cdp, element, in_page.MIDDLE)
        if obstacle := middle.get("obstacle"):
            return str(obstacle)
        await script.call(cdp, element, in_page.GUARD)
    except script.DocumentLeft:
        return "it was replaced"
    await _mouse(cdp, "mouseMoved", middle, button="none")
    await _mouse(cdp, "mousePressed", middle)
    await _mouse(cdp, "mouseReleased", middle)
    try:
        verdict = await script.call(cdp, element, in_page.READ_GUARD)
    except BrowserError:
        # It led to another document, or took the world of the guard with it: the press was felt.
        return None
    return None if verdict == "hit" else "something else got the click"


async def _mouse(cdp: Cdp, kind: str, middle: dict[str, float], button: str = "left") -> None:
    params: dict[str, Any] = {"type": kind, "x": middle["x"], "y": middle["y"], "button": button}
    if button != "none":
        params["clickCount"] = 1
    await cdp.send("Input.dispatchMouseEvent", params)


async def _nodes(cdp: Cdp, control: Control) -> list[dict[str, Any]]:
    """The matching nodes of the accessibility tree, in document order."""
    role = _ROLES.get(control.role, control.role)
    try:
        document = await script.handle(cdp, "document")
        found = await cdp.send("Accessibility.queryAXTree", {"objectId": document, "role": role})
    except script.DocumentLeft:
        return []
    except Refused as refused:
        if refused.document_left:
            return []
        raise
    # The names are compared here: the browser's have the white space of the markup at their ends.
    return [node for node in found["nodes"] if not node["ignored"] and _name(node) == control.name]


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
