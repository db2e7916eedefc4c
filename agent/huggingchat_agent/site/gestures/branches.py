"""Shows another branch of a conversation, with the buttons beside "1 / 2"."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from huggingchat_agent.errors import BrowserTimeout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggingchat_agent.browser.protocols import Page

_TO_SWITCH = 0.5  # seconds; a page whose scripts run switches at once
_TO_STAY = 1.0  # seconds until a page whose scripts start has gone back to the newest branch

# Goes one step at the first message that is not on the path. A message stands beside its place among those
# with the same parent, from 1. "shown": the path is there; "none": the page has no button for it (yet).
_STEP = """(path) => {
  const messages = [...document.querySelectorAll("[data-message-id]")];
  const at = path.findIndex(([id], index) => messages[index]?.dataset.messageId !== id);
  if (at < 0 && messages.length === path.length) return "shown";
  const message = messages[at], next = messages[at + 1];
  if (!message) return "none";
  const within = (each) => (message.contains(each) || message.compareDocumentPosition(each) & 4)
    && !(next && (next.contains(each) || next.compareDocumentPosition(each) & 4));
  const place = /^\\s*(\\d+)\\s*\\/\\s*(\\d+)\\s*$/;
  const label = [...document.querySelectorAll("span, div, p")]
    .find((each) => !each.children.length && place.test(each.textContent) && within(each));
  const buttons = [...(label?.parentElement.querySelectorAll("button") ?? [])];
  if (buttons.length < 2) return "none";
  buttons[Number(label.textContent.match(place)[1]) > path[at][1] ? 0 : 1].click();
  return "stepped";
}"""

_IS_ANOTHER = """(before) => [...document.querySelectorAll("[data-message-id]")]
  .map((each) => each.dataset.messageId).join() !== before"""
_SHOWN = """() => [...document.querySelectorAll("[data-message-id]")]
  .map((each) => each.dataset.messageId).join()"""


async def show(page: Page, path: Sequence[tuple[str, int]], *, timeout: float) -> bool:
    """Switch until the page shows that path: ids from the first message to the last, each with its place
    among those beside it, from 1. Returns whether it does.
    """
    end, at = time.monotonic() + timeout, ""
    while (left := end - time.monotonic()) > 0:
        try:
            before = await page.evaluate(_SHOWN, timeout=left)
            at = await page.evaluate(_STEP, [list(each) for each in path], timeout=left)
            # The same again if the page does not react: its scripts may not run yet.
            await page.wait(_IS_ANOTHER, before, timeout=min(left, _TO_STAY if at == "shown" else _TO_SWITCH))
        except BrowserTimeout:
            if at == "shown":
                return True
    return False
