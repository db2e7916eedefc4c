"""Gestures on a message of the page: retry it, edit it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from huggingchat_agent.errors import BrowserTimeout, PageChanged
from huggingchat_agent.site.gestures import parts
from huggingchat_agent.site.gestures.composer import FIELD
from huggingchat_agent.site.gestures.dialogs import clear_way

if TYPE_CHECKING:
    from huggingchat_agent.browser.protocols import Page
    from huggingchat_agent.site.gestures.dialogs import Notice

_HOLDS = "(selector, text) => document.querySelector(selector)?.value === text"
_OPENED = "(selector) => !!document.querySelector(selector)"

_TO_OPEN = 1.0  # seconds; a page whose scripts run opens the editor at once


async def open_editor(page: Page, message_id: str, *, timeout: float, notice: Notice) -> None:
    """Press Edit at a message of the user and return when its editor is open. Raises PageChanged.

    A page ignores clicks until its scripts run, so this clicks again until the editor opens.
    """
    buttons = parts.alternate(parts.EDIT, _select_message(message_id))
    edit = next(buttons)
    end = time.monotonic() + timeout
    while (left := end - time.monotonic()) > 0:
        try:
            await clear_way(page, FIELD, timeout=left, notice=notice)
            await page.click(edit, timeout=min(left, 2 * _TO_OPEN))
        except BrowserTimeout:
            edit = next(buttons)  # or an earlier click worked after all
        try:
            await page.wait(_OPENED, _select_field(message_id), timeout=min(left, _TO_OPEN))
            return
        except BrowserTimeout:
            continue
    raise PageChanged(
        f"The page offers no way to edit message {message_id}: it has no {parts.EDIT}.",
        part=f"the {parts.EDIT}",
    )


async def close_editor(page: Page, message_id: str, *, timeout: float) -> None:
    """Leave the message as it was."""
    await page.click(parts.CANCEL.controls(_select_message(message_id))[0], timeout=timeout)


async def rewrite(page: Page, message_id: str, text: str, *, timeout: float) -> None:
    """Replace the text in the message's editor."""
    await page.insert_text(_select_field(message_id), text, timeout=timeout)
    try:
        await page.wait(_HOLDS, _select_field(message_id), text, timeout=timeout)
    except BrowserTimeout:
        raise PageChanged(f"The editor of message {message_id} did not keep the text.") from None


async def press_send(page: Page, message_id: str, *, timeout: float) -> None:
    """Send the editor's text. After this it may be on its way, even if this raises."""
    button = await parts.find_present(page, parts.SEND_EDITED, _select_message(message_id))
    await page.click(button, timeout=timeout)


async def press_retry(page: Page, message_id: str, *, timeout: float) -> None:
    """Press Retry below an answer. After this the request may be on its way, even if this raises."""
    await page.click(parts.RETRY.controls(_select_message(message_id))[0], timeout=timeout)


def _select_message(message_id: str) -> str:
    return f'[data-message-id="{message_id}"]'


def _select_field(message_id: str) -> str:
    return f"{_select_message(message_id)} textarea"
