"""Pictures and accessibility trees of a page, with secrets masked."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from huggingchat_agent import redact
from huggingchat_agent.browser import evaluation, in_page
from huggingchat_agent.browser.protocols import Snapshot
from huggingchat_agent.errors import BrowserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from huggingchat_agent.browser.cdp import Cdp

_FIELDS = {"textbox", "searchbox", "combobox", "spinbutton", "slider", "Date", "DateTime", "InputTime"}
_SILENT = {"none", "generic", "InlineTextBox", "LineBreak", "ListMarker", "RootWebArea"}
_STATES = ("disabled", "checked", "expanded", "pressed", "selected", "modal", "level", "focused")


async def take_snapshot(cdp: Cdp) -> Snapshot:
    """A picture (PNG) of the view, and the whole tree. Text in input fields is masked.

    Text areas stay readable: they hold prompts and no secrets.
    """
    tree = await cdp.send("Accessibility.getFullAXTree")
    await evaluation.evaluate(cdp, in_page.MASK)
    try:
        picture = await cdp.send("Page.captureScreenshot", {"format": "png"})
    finally:
        await evaluation.evaluate(cdp, in_page.UNMASK)
    return Snapshot(base64.b64decode(picture["data"]), redact.text("\n".join(_format_tree(tree["nodes"]))))


async def take_picture(cdp: Cdp, secrets: Callable[[str], list[str]]) -> bytes:
    """A WebP of the view. Input fields are masked, and every text that `secrets` finds.

    Raises BrowserError if the page shows another secret while the picture is taken.
    """
    found = secrets(await evaluation.evaluate(cdp, in_page.TEXT))
    await evaluation.evaluate(cdp, in_page.MASK)
    try:
        if found:
            await evaluation.evaluate(cdp, in_page.HIDE, found)
        shot = await cdp.send("Page.captureScreenshot", {"format": "webp", "quality": 60})
        if set(secrets(await evaluation.evaluate(cdp, in_page.TEXT))) - set(found):
            raise BrowserError("The page changed while the picture was taken, and may show a secret.")
    finally:
        await evaluation.evaluate(cdp, in_page.UNMASK)
    return base64.b64decode(shot["data"])


def _format_tree(nodes: list[dict[str, Any]]) -> Iterator[str]:
    """`- role "name" [states]: value` for each node that is not ignored, indented by two spaces per level."""
    by_id = {node["nodeId"]: node for node in nodes}
    # Depth first with our own stack: pages can be deeper than Python's recursion limit.
    waiting = [(node["nodeId"], 0, "") for node in nodes if "parentId" not in node][::-1]
    while waiting:
        node_id, depth, above = waiting.pop()
        node = by_id.get(node_id)
        if node is None:
            continue
        role = node.get("role", {}).get("value", "")
        name = node.get("name", {}).get("value", "")
        if role == "StaticText" and name.strip() == above:
            continue  # the control's name already shows it
        shown = not node.get("ignored") and role not in _SILENT
        if shown:
            yield "  " * depth + _format_node(node, role, name)
            above = name.strip()
        if shown and role in _FIELDS and not _is_multiline(node):
            continue  # its text is the value
        waiting += [(child, depth + shown, above) for child in reversed(node.get("childIds", []))]


def _format_node(node: dict[str, Any], role: str, name: str) -> str:
    if role == "StaticText":
        return f"- text: {name}"
    states = [
        each["name"] if each["value"].get("value") is True else f"{each['name']}={each['value'].get('value')}"
        for each in node.get("properties", [])
        if each["name"] in _STATES and each["value"].get("value") not in (False, "false", None)
    ]
    value = node.get("value", {}).get("value", "")
    if value and role in _FIELDS and not _is_multiline(node):
        value = redact.MASK
    parts = [f"- {role}", f'"{name}"' if name else "", f"[{', '.join(states)}]" if states else ""]
    return " ".join(filter(None, parts)) + (f": {value}" if value else "")


def _is_multiline(node: dict[str, Any]) -> bool:
    return any(
        each["name"] == "multiline" and each["value"].get("value") is True
        for each in node.get("properties", [])
    )
