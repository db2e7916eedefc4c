"""Types a message into the composer and presses Send."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from huggingchat_agent.errors import BrowserTimeout, PageChanged
from huggingchat_agent.site.gestures.dialogs import blocked_error, clear_way
from huggingchat_agent.site.gestures.parts import COMPOSER, SEND, find_present

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggingchat_agent.browser.protocols import Page, Upload
    from huggingchat_agent.site.gestures.dialogs import Notice
    from huggingchat_agent.site.gestures.parts import Part

FIELD = ", ".join(f'textarea[placeholder="{look.name}"]' for look in COMPOSER.looks)

# Whether there is something to act on: the composer, or the dialog that covers it, or a page that
# is loaded and has neither. After a failed answer the page puts a sentence into the composer and disables it.
# While it loads, it is disabled and empty. "open" where one look is enough: the composer is enabled, and
# nothing stands in front of it.
_READY = """(selector) => {
  const fields = [...document.querySelectorAll("textarea:disabled")];
  if (fields.some((each) => each.value && !each.closest("[data-message-id]"))) return "failed";
  const field = document.querySelector(selector);
  const box = field?.getBoundingClientRect();
  const front = box && document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  if (front === field && field && !field.disabled && !field.closest("[inert]")) return "open";
  return !!document.querySelector('textarea, [role="dialog"]') || document.readyState === "complete";
}"""

_TO_OPEN = 3.0  # seconds; a page that is still loading may have its composer disabled too
_TO_APPEAR = 3.0  # seconds; a page that is loaded shows its controls by then
_TO_LOOK = 1.0  # seconds until the page is looked at again
_TO_TYPE = 1.0  # seconds, doubled each time; the page may disable the field meanwhile, and say why
_TO_TAKE = 0.3  # seconds; a page whose scripts run takes the text at once

# "taken": the field holds the text and the button is enabled. "lost": the page removed the text. It looks for
# the button by name, as `find` does, but in one round trip.
_TAKEN = """(selector, names, text) => {
  const field = document.querySelector(selector);
  if (!field || field.value !== text) return "lost";
  const name = (each) => (each.getAttribute("aria-label") ?? each.textContent).trim();
  const buttons = [...document.querySelectorAll("button")];
  return buttons.some((each) => names.includes(name(each)) && !each.disabled) && "taken";
}"""

_HAS_INPUT = """(selector) => {
  const input = document.querySelector(selector);
  return input && (input.multiple ? "several" : "one");
}"""
_INPUT = 'input[type="file"][aria-label="Upload file"]'

# The files in the composer, each shown by one button outside of the messages: a picture with its name as alt
# text, any other file with its name (long ones cut in the middle) and its media type.
_CHIPS = """(wanted) => {
  const shown = (selector, name) => [...document.querySelectorAll(selector)]
    .filter((each) => !each.closest("[data-message-id]")).map(name);
  const names = [
    ...shown(":is(button, [role=button]) img:not([alt=''])", (each) => each.alt),
    ...shown(":is(button, [role=button]) dl dd", (each) => each.textContent.trim()),
  ];
  const like = (shown, name) => {
    const [start, end] = shown.split("\u2026");
    return shown === name || (end !== undefined && name.startsWith(start) && name.endsWith(end));
  };
  return names.length === wanted.length && wanted.every((name) => names.some((each) => like(each, name)));
}"""

_HAS_MESSAGES = "() => !!document.querySelector('[data-message-id]')"

_OPEN = "(selector) => !document.querySelector(selector)?.disabled"

# The status of an error document, the address of a page elsewhere, else whether that message is the last one
# shown.
_SHOWS = """(path, wanted) => {
  const status = performance.getEntriesByType("navigation")[0]?.responseStatus ?? 0;
  if (status >= 400) return status;
  if (location.pathname !== path) return document.readyState === "complete" && location.href;
  return ([...document.querySelectorAll("[data-message-id]")].at(-1)?.dataset.messageId ?? "") === wanted;
}"""

_LEFT = "(address) => location.href !== address"

_TO_LEAVE = 1.0  # seconds; a page of a sign-in that needs nobody leads on at once


class NoFirstMessage(PageChanged):
    """The page of this conversation takes no first message: begin at home (see first_message.py)."""


async def write(page: Page, text: str, *, timeout: float, notice: Notice) -> None:
    """Type the text and return when Send is enabled. Raises PageChanged naming what was missing.

    The page's HTML comes from the server, before its scripts. Text typed before they run is lost, or stays in
    the field with Send disabled. No sign common to all builds says that a page is ready. So this types,
    checks whether the page took the text, and types again if not: at once after the first loss, later after a
    look at what is in the way.
    """
    end = time.monotonic() + timeout
    patience, typed, looks = _TO_TYPE, False, False
    lacking = end  # when to give up, once a control is missing
    names = [look.name for look in SEND.looks]
    while (left := min(end, lacking) - time.monotonic()) > 0:
        try:
            ready = await page.wait(_READY, FIELD, timeout=left)
            if ready == "failed":
                raise await _make_disabled_error(page)
            if ready != "open" or looks:
                await clear_way(page, FIELD, timeout=left, notice=notice)
                missing = await _find_missing(page, also_send=typed, timeout=min(left, _TO_LOOK))
                lacking = min(lacking, time.monotonic() + _TO_APPEAR) if missing else end
                if missing is COMPOSER:
                    continue
                await _check_open(page)
            typing, patience = min(left, patience), 2 * patience
            await page.insert_text(FIELD, text, timeout=typing)
            looks, typed = typed, True
            if await page.wait(_TAKEN, FIELD, names, text, timeout=_TO_TAKE) == "taken":
                return
        except BrowserTimeout:
            looks = typed
    raise await _make_missing_error(page)


async def _find_missing(page: Page, *, also_send: bool = True, timeout: float) -> Part | None:
    """The control that the page still lacks after the timeout."""
    if not await page.find(COMPOSER.controls()[0], timeout=timeout):
        return COMPOSER
    there = not also_send or await page.find(SEND.controls()[0], timeout=0)
    return None if there else SEND


async def attach(page: Page, files: Sequence[Upload], *, timeout: float) -> None:
    """Put the files into the composer and return when it shows them all. It reads them when it sends.

    Only after `write`: a page whose scripts do not run yet would lose them. Raises PageChanged.
    """
    try:
        several = await page.wait(_HAS_INPUT, _INPUT, timeout=min(_TO_OPEN, timeout)) == "several"
        # Builds before 2026 take one file at a time.
        for number, each in enumerate([files] if several else [[each] for each in files], 1):
            await page.set_files(_INPUT, each, timeout=timeout)
            shown = files if several else files[:number]
            await page.wait(_CHIPS, [each.name for each in shown], timeout=timeout)
    except BrowserTimeout:
        names = ", ".join(each.name for each in files)
        raise PageChanged(
            f"The page did not take the files ({names}): it has no file input, or it shows other files.",
            part="the file input",
        ) from None


async def _check_open(page: Page) -> None:
    try:
        await page.wait(_OPEN, FIELD, timeout=_TO_OPEN)
    except BrowserTimeout:
        raise await _make_disabled_error(page) from None


async def _make_disabled_error(page: Page) -> PageChanged:
    if not await page.evaluate(_HAS_MESSAGES, timeout=_TO_OPEN):
        # Builds before autumn 2025: there a person's first message comes from the home page.
        return NoFirstMessage(
            f"The {COMPOSER.role} is disabled: the page of this app takes no first message.",
            hint='Send the first message of a conversation with via="page" or "auto".',
            shell_hint="Send the first message of a conversation with --via page or auto.",
        )
    return PageChanged(
        f"The {COMPOSER} is disabled: after a failed answer, the page takes no new "
        "message until that answer is retried.",
        hint='Retry it with conversation.retry(), or send with via="page".',
        shell_hint="Retry it with /retry in `huggingchat chat`, or send with --via page.",
    )


async def _make_missing_error(page: Page) -> PageChanged:
    if blocked := await blocked_error(page, FIELD, timeout=_TO_OPEN):
        return blocked
    if not await page.evaluate(_OPEN, FIELD, timeout=_TO_OPEN):
        return await _make_disabled_error(page)
    if missing := await _find_missing(page, timeout=0):
        return PageChanged(f"The page has no {missing}.", part=f"the {missing}")
    return PageChanged(f"The {SEND} stays disabled although the message is typed.", part=f"the {SEND}")


async def press_send(page: Page, *, timeout: float) -> None:
    """Press Send. After this the message may be on its way, even if this raises."""
    await page.click(await find_present(page, SEND), timeout=timeout)


async def shows(page: Page, path: str, message_id: str, *, timeout: float) -> bool | int | str:
    """Whether the page is at that path and shows that message as its last one ("": it shows none).

    Returns the HTTP status at once for an error page, and the address of a page that stays elsewhere.
    """
    end = time.monotonic() + timeout
    while (left := end - time.monotonic()) > 0:
        try:
            found: bool | int | str = await page.wait(_SHOWS, path, message_id, timeout=left)
        except BrowserTimeout:
            return False
        if not isinstance(found, str):
            return found
        try:
            await page.wait(_LEFT, found, timeout=_TO_LEAVE)
        except BrowserTimeout:
            return found
    return False
