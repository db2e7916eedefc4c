"""The controls of a conversation's page: which are there, under which name, and which are new."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from typing import TYPE_CHECKING

from huggingchat_agent import redact
from huggingchat_agent.doctor.finding import Finding, make_app_finding
from huggingchat_agent.doctor.known_controls import KNOWN
from huggingchat_agent.errors import AgentError, BrowserTimeout
from huggingchat_agent.site.gestures import messages, parts
from huggingchat_agent.site.gestures.composer import FIELD
from huggingchat_agent.site.gestures.dialogs import clear_way

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from huggingchat_agent.answer import Answer
    from huggingchat_agent.browser.protocols import Page
    from huggingchat_agent.chat.reply import Reply
    from huggingchat_agent.site.gestures.dialogs import Notice
    from huggingchat_agent.site.gestures.parts import Part

_TO_APPEAR = 5.0  # seconds for a control to appear, even on a busy machine
_TO_OPEN = 10.0  # seconds for the editor of a message to open
_LONG = 2.0  # seconds; the page of an answer that goes on for so long shows its Stop button
_TO_WATCH = 10.0
_LINE = re.compile(r'^\s*- (button|textbox|combobox|switch|dialog|alertdialog) "([^"]+)"')
_HIDDEN = """(place, names) => {
  const buttons = [...(document.querySelector(place)?.querySelectorAll("button") ?? [])];
  const name = (each) => (each.getAttribute("aria-label") || each.textContent.trim() || each.title).trim();
  return buttons.map(name).find((each) => names.includes(each)) ?? null;
}"""
_MOST = 20  # new controls that are named


async def check_page(
    page: Page, answer: Answer | None, notice: Notice, *, username: str, timeout: float
) -> AsyncIterator[Finding]:
    """Check the page of a conversation whose last message is that answer. It changes nothing there.

    `notice` gets what covers the page. A control named after the user is not new. Raises BrowserError.
    """
    with contextlib.suppress(AgentError):  # the controls behind it are reported as missing
        await _clear_way(page, notice, min(timeout, _TO_APPEAR))
    for part in (parts.COMPOSER, parts.SEND):
        yield await _check(page, part)
    if answer is not None and answer.message_id:
        yield await _check(page, parts.RETRY, f'[data-message-id="{answer.message_id}"]')
    if answer is not None and answer.user_message_id:
        async for each in _check_editor(page, answer.user_message_id, notice, timeout=timeout):
            yield each
    for role, name in await _find_new(page, username):
        yield make_app_finding("the page", f"{role} {name!r}", "new")


async def _clear_way(page: Page, notice: Notice, timeout: float) -> None:
    """Close what covers the page. Until the page's scripts run, pressing its button does nothing."""
    end = time.monotonic() + timeout
    while (left := end - time.monotonic()) > 0:
        try:
            return await clear_way(page, FIELD, timeout=left, notice=notice)
        except BrowserTimeout:
            continue


class StopSeen:
    """Whether the page showed the button that stops an answer while one came."""

    def __init__(self) -> None:
        self.name = ""  # of that button
        self.seconds = 0.0  # how long it was looked for

    def make_finding(self) -> Finding:
        need = parts.STOP.need
        if self.name:
            return _found(parts.STOP, self.name)
        if self.seconds > _LONG:
            return make_app_finding(need, f"the page had no {parts.STOP}", "gone")
        return make_app_finding(need, "not seen: the answer may have been too quick", "note")


@contextlib.asynccontextmanager
async def watch_for_stop(reply: Reply, find_page: Callable[[str], Page | None]) -> AsyncIterator[StopSeen]:
    """Look for the button while the reply comes."""
    seen = StopSeen()

    async def look() -> None:
        async for _ in reply:
            if reply._turn is not None:  # a moment after the first event
                break
        turn = reply._turn
        page = find_page(turn.page_id) if turn is not None else None
        if page is None or reply.via != "ui":
            return
        begun = time.monotonic()
        try:
            for control in parts.STOP.controls():
                if await page.find(control, timeout=_TO_WATCH):
                    seen.name = control.name
        finally:
            seen.seconds = time.monotonic() - begun

    task = asyncio.create_task(look(), name="look for stop")
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _check(page: Page, part: Part, within: str = "") -> Finding:
    for look, control in zip(part.looks, part.controls(within), strict=True):
        last = control.name == part.looks[-1].name
        if await page.find(control, timeout=_TO_APPEAR if last else 0):
            return _found(part, look.name)
    # Builds of 2025 show some only under a pointer.
    if within and (
        hidden := await page.evaluate(_HIDDEN, within, [each.name for each in part.looks], timeout=5)
    ):
        return _found(part, hidden)
    return make_app_finding(part.need, f"the page has no {part}", "gone")


def _found(part: Part, name: str) -> Finding:
    return make_app_finding(part.need, "found", by=f"{part.role} {name!r}")


async def _check_editor(
    page: Page, message_id: str, notice: Notice, *, timeout: float
) -> AsyncIterator[Finding]:
    """Open the editor of a message and leave it again."""
    within = f'[data-message-id="{message_id}"]'
    try:
        await messages.open_editor(page, message_id, timeout=min(timeout, _TO_OPEN), notice=notice)
    except AgentError as error:
        yield make_app_finding(parts.EDIT.need, redact.text(error.message), "gone")
        return
    yield make_app_finding(parts.EDIT.need, "it opens the editor")
    yield await _check(page, parts.SEND_EDITED, within)
    yield await _check(page, parts.CANCEL, within)
    await messages.close_editor(page, message_id, timeout=timeout)


async def _find_new(page: Page, username: str) -> list[tuple[str, str]]:
    """Roles and names of controls that no known build has."""
    tree = (await page.take_snapshot()).tree
    found = (match.groups() for line in tree.splitlines() if (match := _LINE.match(line)))
    named = ((role, re.sub(r"\d+", "N", name)) for role, name in found)
    return [each for each in dict.fromkeys(named) if each[1] not in KNOWN | {username}][:_MOST]
