"""Closes what covers the page: dialogs, banners, notices."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from huggingchat_agent.browser.protocols import Control
from huggingchat_agent.errors import PageChanged
from huggingchat_agent.events import Drift
from huggingchat_agent.site.gestures.parts import CLOSE, FAMILIAR

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.browser.protocols import Page

    Notice = Callable[[Drift], object]

# What stands in front of the middle of an element, or makes it inert: its place in the document, whether it
# is a dialog, its title, and the names of its buttons. Null if nothing does.
_FRONT = """(selector) => {
  const target = document.querySelector(selector);
  const shown = (each) => each.checkVisibility({visibilityProperty: true}) && each.getClientRects().length;
  const dialogs = [...document.querySelectorAll('[role="dialog"], [role="alertdialog"], dialog[open]')]
    .filter(shown);
  let front = null;
  const inert = target ? target.closest("[inert]") : document.querySelector("[inert]");
  if (inert || !target) front = dialogs.at(-1) ?? null;
  if (!front && target && !inert) {
    const box = target.getBoundingClientRect();
    const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    if (!hit || target.contains(hit) || hit.contains(target)) return null;
    front = hit;
    while (front.parentElement && !front.parentElement.contains(target)) front = front.parentElement;
  }
  if (!front) return null;
  const place = [];
  for (let each = front; each.parentElement; each = each.parentElement)
    place.unshift(`:nth-child(${[...each.parentElement.children].indexOf(each) + 1})`);
  const name = (each) => (each.getAttribute("aria-label") || each.textContent || each.title || "")
    .trim().replace(/\\s+/g, " ");
  const heading = front.querySelector("h1, h2, h3, h4, p");
  return {
    place: ":root > " + place.join(" > "),
    dialog: dialogs.some((each) => front.contains(each) || each.contains(front)),
    title: name(front.matches("[aria-label]") ? front : heading ?? front).slice(0, 60),
    buttons: [...front.querySelectorAll("button, [role=button]")].filter(shown).map(name),
  };
}"""

_ESCAPE = """(place) => {
  const front = document.querySelector(place);
  const any = "[role=dialog], [role=alertdialog], dialog";
  const box = front?.matches(any) ? front : front?.querySelector(any);
  const key = {key: "Escape", code: "Escape", bubbles: true, cancelable: true};
  (box ?? front ?? document.body).dispatchEvent(new KeyboardEvent("keydown", key));
}"""

_TO_PRESS = 1.0  # seconds; a page whose scripts start may move its dialog
_TO_CLOSE = 0.3  # seconds; a button that works closes the dialog at once


async def clear_way(page: Page, field: str, *, timeout: float, notice: Notice) -> None:
    """Close what covers the field of that selector. Only for a signed-in page: elsewhere the welcome leads to
    the sign-in. Reports unknown dialogs to `notice`. Raises BrowserTimeout if one did not close, as happens
    before the page's scripts run: try again.
    """
    front = await page.evaluate(_FRONT, field, timeout=timeout)
    if front is None:
        return
    button = next((look.name for look in CLOSE.looks if look.name in front["buttons"]), None)
    if button is not None:
        close = Control(CLOSE.role, button, within=front["place"])
        await page.click(close, timeout=min(timeout, _TO_PRESS))
    elif front["dialog"]:
        await page.evaluate(_ESCAPE, front["place"], timeout=timeout)
    await page.wait(_passes(field), front["place"], timeout=_TO_CLOSE)
    if button not in FAMILIAR:
        how = "it closed by itself" if button is None and not front["dialog"] else "the Escape key"
        notice(_drift(front, f"closed by {how if button is None else f'its button {button!r}'}"))


async def blocked_error(page: Page, field: str, *, timeout: float) -> PageChanged | None:
    """The error for something that covers the field and does not close. None if nothing covers it."""
    front = await page.evaluate(_FRONT, field, timeout=timeout)
    if front is None:
        return None
    names = ", ".join(repr(each) for each in front["buttons"][:5]) or "none"
    what = _describe(front)
    return PageChanged(
        f"{what[0].upper()}{what[1:]} covers the page and does not close. Its buttons: {names}.",
        part=what,
        change="new",
        hint='Close it once by hand in a window, or send with via="page".',
        shell_hint="Close it once by hand in a window, or send with --via page.",
    )


def _passes(field: str) -> str:
    """A function of the page: whether the covering element is gone, or the field can be reached."""
    found = f"({_FRONT})({json.dumps(field)})"
    return f"(place) => {{ const front = {found}; return !front || front.place !== place; }}"


def _describe(front: dict[str, Any]) -> str:
    return f"a {'dialog' if front['dialog'] else 'notice'} {str(front['title'])!r}"


def _drift(front: dict[str, Any], instead: str) -> Drift:
    return Drift(part="the page", change="new", what=_describe(front), instead=instead)
