"""What a failure leaves behind: a picture and an accessibility tree of the page, redacted."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from huggingchat_agent import redact
from huggingchat_agent.errors import BrowserError

if TYPE_CHECKING:
    from pathlib import Path

    from huggingchat_agent.browser.protocols import Page
    from huggingchat_agent.errors import AgentError

log = logging.getLogger("huggingchat_agent")


async def leave_report(error: AgentError, page: Page, folder: Path) -> None:
    """Write both into the folder and put their paths on the error. A failure here is only logged.

    The values of form fields are masked by the page's snapshot; the tree goes through `redact` too.
    """
    if error.screenshot is not None or page.closed:
        return
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 1_000_000:06d}-{type(error).__name__}"
    picture, tree = folder / f"{stem}.png", folder / f"{stem}.txt"
    try:
        snapshot = await page.snapshot()
        _write(picture, snapshot.png)
        _write(tree, redact.text(snapshot.tree).encode())
    except (BrowserError, OSError) as trouble:
        log.warning("No report of the failure could be left in %s: %s", folder, trouble)
        return
    error.screenshot, error.snapshot = picture, tree
    error.add_note(f"See {picture} and {tree.name}.")


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(body)
