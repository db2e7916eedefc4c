"""Dialogs that stand between a person and the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggingchat_agent.browser.protocols import Control

if TYPE_CHECKING:
    from huggingchat_agent.browser.protocols import Page

START_CHATTING = Control("button", "Start chatting")

# A modal dialog makes the whole page behind it inert, and only then does it work: the page as the
# server rendered it shows the dialog too, but nothing listens to its button yet.
_MODAL = """() =>
  !!document.querySelector('[role="dialog"], dialog[open]') && !!document.querySelector("[inert]")
"""
_GONE = """() => !document.querySelector("[inert]")"""


async def dismiss_welcome(page: Page, *, timeout: float) -> bool:
    """Close the welcome dialog if it stands; True if it did. Only for a signed-in page.

    (Signed out, its button leads to the sign-in.)
    """
    if not await page.find(START_CHATTING, timeout=0) or not await page.evaluate(_MODAL, timeout=timeout):
        return False
    await page.click(START_CHATTING, timeout=timeout)
    await page.wait(_GONE, timeout=timeout)
    return True
