"""Closes dialogs that cover the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggingchat_agent.browser.protocols import Control

if TYPE_CHECKING:
    from huggingchat_agent.browser.protocols import Page

START_CHATTING = Control("button", "Start chatting")

# A modal dialog makes the whole page behind it inert. The server-rendered page shows the dialog too, inert or
# not, but its button does not work yet.
_MODAL = """() =>
  !!document.querySelector('[role="dialog"], dialog[open]') && !!document.querySelector("[inert]")
"""
_GONE = """() => !document.querySelector("[inert]")"""

_TO_CLOSE = 0.3  # seconds; a button that works closes the dialog at once


async def dismiss_welcome(page: Page, *, timeout: float) -> None:
    """Close the welcome dialog if it is open. Only for a signed-in page: elsewhere it leads to the sign-in.

    Raises BrowserTimeout if its button did nothing, as before the page's scripts run: try again.
    """
    if await page.find(START_CHATTING, timeout=0) and await page.evaluate(_MODAL, timeout=timeout):
        await page.click(START_CHATTING, timeout=timeout)
        await page.wait(_GONE, timeout=_TO_CLOSE)
