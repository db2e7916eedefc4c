"""Gestures on a message of the page: retry it, edit it."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

from huggingchat_agent.browser.protocols import Control
from huggingchat_agent.errors import BrowserTimeout, PageChanged
from huggingchat_agent.site.gestures.dialogs import dismiss_welcome

if TYPE_CHECKING:
    from huggingchat_agent.browser.protocols import Page

_HOLDS = "(selector, text) => document.querySelector(selector)?.value === text"
_OPENED = "(selector) => !!document.querySelector(selector)"

# What the buttons are called, in builds from autumn 2025 on, and before.
_EDIT = ("Edit", "Branch")
_SEND = ("Send", "Submit")

_TO_OPEN = 1.0  # seconds; a page whose scripts run opens the editor at once


async def open_editor(page: Page, message_id: str, *, timeout: float) -> None:
    """Press Edit at a message of the user and return when its editor is open. Raises PageChanged.

    A page ignores clicks until its scripts run, so this clicks again until the editor opens.
    """
    buttons = itertools.cycle(Control("button", name, within=_message(message_id)) for name in _EDIT)
    edit = next(buttons)
    end = time.monotonic() + timeout
    while (left := end - time.monotonic()) > 0:
        try:
            await dismiss_welcome(page, timeout=left)
            await page.click(edit, timeout=min(left, 2 * _TO_OPEN))
        except BrowserTimeout:
            edit = next(buttons)  # or an earlier click worked after all
        try:
            await page.wait(_OPENED, _field(message_id), timeout=min(left, _TO_OPEN))
            return
        except BrowserTimeout:
            continue
    raise PageChanged(f"The page offers no way to edit message {message_id}.")


async def close_editor(page: Page, message_id: str, *, timeout: float) -> None:
    """Leave the message as it was."""
    await page.click(Control("button", "Cancel", within=_message(message_id)), timeout=timeout)


async def rewrite(page: Page, message_id: str, text: str, *, timeout: float) -> None:
    """Replace the text in the message's editor."""
    await page.insert_text(_field(message_id), text, timeout=timeout)
    try:
        await page.wait(_HOLDS, _field(message_id), text, timeout=timeout)
    except BrowserTimeout:
        raise PageChanged(f"The editor of message {message_id} did not keep the text.") from None


async def press_send(page: Page, message_id: str, *, timeout: float) -> None:
    """Send the editor's text. After this it may be on its way, even if this raises."""
    buttons = [Control("button", name, within=_message(message_id)) for name in _SEND]
    there = [each for each in buttons[1:] if await page.find(each, timeout=0)]
    await page.click([*there, buttons[0]][0], timeout=timeout)


async def press_retry(page: Page, message_id: str, *, timeout: float) -> None:
    """Press Retry below an answer. After this the request may be on its way, even if this raises."""
    await page.click(Control("button", "Retry", within=_message(message_id)), timeout=timeout)


def _message(message_id: str) -> str:
    return f'[data-message-id="{message_id}"]'


def _field(message_id: str) -> str:
    return f"{_message(message_id)} textarea"
