"""The report of a failure: a picture and an accessibility tree of the page, redacted."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime
from typing import TYPE_CHECKING

from huggingchat_agent import files, redact
from huggingchat_agent.log_records import log

if TYPE_CHECKING:
    from pathlib import Path

    from huggingchat_agent.browser.protocols import Page
    from huggingchat_agent.errors import AgentError


KEPT = 50
# The name of a report, which sorts by time, and its files, including unfinished ones of killed programs.
_OURS = re.compile(r"\.?(\d{8}-\d{6}-\d{6}-\w+)\.(?:png|txt)(?:[\w.]*\.part)?")


async def leave_report(error: AgentError, page: Page, folder: Path) -> None:
    """Write both into the folder and put their paths on the error. A failure here is only logged.

    The page's snapshot masks the values of form fields; the tree goes through `redact` too. Both files are
    written, or neither. The newest `KEPT` reports stay.
    """
    if error.screenshot is not None:
        return
    stem = f"{datetime.now():%Y%m%d-%H%M%S-%f}-{type(error).__name__}"
    picture, tree = folder / f"{stem}.png", folder / f"{stem}.txt"
    try:
        if page.closed:
            return
        snapshot = await page.take_snapshot()
        text = redact.text(snapshot.tree).encode("utf-8", "replace")
        _write(folder, {picture: snapshot.png, tree: text})
        _forget_old(folder, stem)
    except Exception as trouble:
        # The user must get the original error, whatever happens here.
        why = redact.text(f"{type(trouble).__name__}: {trouble}")
        log.warning("No report of the failure could be left in %s (%s)", folder, why)
        return
    error.screenshot, error.snapshot = picture, tree
    error.add_note(f"See {picture} and {tree.name}.")


def _write(folder: Path, reports: dict[Path, bytes]) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.write_all(reports, private=True)


def _forget_old(folder: Path, newest: str) -> None:
    with contextlib.suppress(OSError):  # another program may clear up the same folder right now
        found = [(match[1], path) for path in folder.iterdir() if (match := _OURS.fullmatch(path.name))]
        older = sorted({stem for stem, _ in found} - {newest}, reverse=True)
        dropped = set(older[KEPT - 1 :])
        for stem, path in found:
            if stem in dropped:
                path.unlink(missing_ok=True)
