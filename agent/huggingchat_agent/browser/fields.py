"""Puts text into a field and files into a file input, over CDP alone."""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING

from huggingchat_agent.browser import controls, evaluation, in_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from huggingchat_agent.browser.cdp import Cdp
    from huggingchat_agent.browser.controls import Obstacle
    from huggingchat_agent.browser.protocols import Upload

# A multiple of three, so that the base64 text of a piece has no padding, except the last one.
PIECE = 768 * 1024  # bytes
SLOWEST = 1024 * 1024  # bytes a second, on a machine that does much else

_NOT_KEPT = "it did not keep the text"

# A text longer than a person types.
_LONG = 2000  # characters
_LINES = 20


async def insert(cdp: Cdp, selector: str, text: str, obstacle: Obstacle) -> None:
    """Replace the field's content with the text, as soon as the field is reachable.

    Repeats that if the page replaces or empties the field, as pages with late scripts do. A short text, as
    all secrets are, goes only into `Input.insertText`.
    """
    while True:
        await _insert(cdp, selector, text, obstacle)
        if not obstacle.now:
            return
        await evaluation.wait_for_change(cdp)


async def _insert(cdp: Cdp, selector: str, text: str, obstacle: Obstacle) -> None:
    # A browser inserts text line by line: thousands take seconds. So a script inserts all but the end.
    start = text[:-1] if len(text) > _LONG or text.count("\n") > _LINES else ""
    try:
        found = await evaluation.evaluate_in_front(cdp, in_page.REACH, selector, start)
        if found:
            obstacle.now = str(found)
            return
        if not text:
            await evaluation.evaluate(cdp, in_page.CLEAR)
    except evaluation.DocumentLeft:
        obstacle.now = "its page went away"
        return
    if obstacle.now != _NOT_KEPT:  # after one lost text, check that the field keeps it
        obstacle.now = ""
    if text:
        await cdp.send("Input.insertText", {"text": text[len(start) :]})
    kept = await controls.read_outcome(cdp, in_page.KEPT, selector, bool(text))
    obstacle.now = _NOT_KEPT if kept is False else ""


async def upload(cdp: Cdp, selector: str, files: Sequence[Upload], obstacle: Obstacle) -> None:
    """Put the files into the input as soon as it exists and accepts them."""
    kept: list[list[str]] = []
    while True:
        try:
            field = await evaluation.find_element(cdp, selector)
            if field is None:
                obstacle.now = "it is not there"
            else:
                if not kept:  # later, why the input did not take them is what a timeout has to say
                    obstacle.now = "the files are being handed over"
                    kept = [[each.name, each.mime, await _hand_over(cdp, each.data)] for each in files]
                obstacle.now = await evaluation.call_on(cdp, field, in_page.SET_FILES, kept)
                if not obstacle.now:
                    return
        except evaluation.DocumentLeft:
            obstacle.now, kept = "its page went away", []
        await evaluation.wait_for_change(cdp)


async def _hand_over(cdp: Cdp, data: bytes) -> str:
    """Keep the bytes in the page, piece by piece: browsers and drivers choke on long messages. The key."""
    key = uuid.uuid4().hex
    for at in range(0, len(data), PIECE):
        piece = base64.b64encode(data[at : at + PIECE]).decode()
        await evaluation.evaluate(cdp, in_page.KEEP, key, piece)
    return key


def hand_over_seconds(sizes: Iterable[int]) -> float:
    """The additional seconds that a gesture may take for files of these sizes (bytes)."""
    return sum(sizes) / SLOWEST
