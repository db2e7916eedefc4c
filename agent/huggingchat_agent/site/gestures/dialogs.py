"""Dialogs that stand between a person and the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggingchat_agent.browser.protocols import Control
from huggingchat_agent.errors import BrowserTimeout

if TYPE_CHECKING:
    from huggingchat_agent.browser.protocols import Page

START_CHATTING = Control("button", "Start chatting")

# A modal dialog makes the whole page behind it inert. The page as the server rendered it shows the
# dialog too, with or without that, but nothing listens to its button yet.
_MODAL = """() =>
  !!document.querySelector('[role="dialog"], dialog[open]') && !!document.querySelector("[inert]")
"""
_GONE = """() => !document.querySelector("[inert]")"""

_TO_CLOSE = 1.0  # seconds; a button that works closes the dialog at once


async def dismiss_welcome(page: Page, *, timeout: float) -> bool:
    """Press the button of the welcome dialog if it stands. Only for a signed-in page.

    (Signed out, it leads to the sign-in.) False if there is none, or if the button did nothing
    because the page's scripts do not run yet: look again then.
    """
    if not await page.find(START_CHATTING, timeout=0) or not await page.evaluate(_MODAL, timeout=timeout):
        return False
    await page.click(START_CHATTING, timeout=timeout)
    try:
        await page.wait(_GONE, timeout=_TO_CLOSE)
    except BrowserTimeout:
        return False
    return True
