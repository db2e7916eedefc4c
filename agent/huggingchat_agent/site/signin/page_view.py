"""Reads a sign-in page: its visible fields, buttons and words."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from huggingchat_agent.browser.protocols import Page


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A visible field. `about` is all its names, in lower case. `form` counts from 0; -1 is outside of forms.

    `PageView.find_mark` finds it by its `index`.
    """

    index: int = 0
    kind: str = "text"
    autocomplete: str = ""
    mode: str = ""
    about: str = ""
    length: int = -1
    disabled: bool = False
    form: int = -1


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """A button, or a link with a button's role. `submits`: it submits its form. `covered`: something is in
    front of it.
    """

    index: int = 0
    name: str = ""
    role: str = "button"
    key: str = ""
    submits: bool = False
    disabled: bool = False
    covered: bool = False
    form: int = -1


class PageView(msgspec.Struct, frozen=True, kw_only=True):
    """A page at one moment. `marker` differs between documents; `shape` also when a document changes much.

    `address` has no query. `status` is the document's HTTP status, 0 if the browser does not say. `mark` is
    the attribute of its fields and buttons, which no other document can know.
    """

    address: str
    mark: str = ""
    marker: float = 0.0
    shape: str = ""
    loading: bool = False
    status: int = 200
    title: str = ""
    heading: str = ""
    alert: str = ""
    text: str = ""
    captcha: bool = False
    composer: bool = False
    fields: tuple[Field, ...] = ()
    buttons: tuple[Button, ...] = ()

    def find_mark(self, field: Field) -> str:
        """A selector of the field."""
        return f'[{self.mark}="{field.index}"]'

    def is_unique(self, button: Button) -> bool:
        """Whether role and name identify only this button."""
        same = [each for each in self.buttons if (each.role, each.name) == (button.role, button.name)]
        return bool(button.name) and len(same) == 1


# `performance.timeOrigin` differs between documents, even at the same address.
_LOOK = """(mark) => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (each) => each.checkVisibility?.({ visibilityProperty: true, opacityProperty: false })
    ?? each.getClientRects().length > 0;
  const words = (text) => (text ?? "").replace(/\\s+/g, " ").trim();
  const named = (each) => (each.getAttribute("aria-labelledby") ?? "").split(/\\s+/)
    .map((id) => id && document.getElementById(id)?.innerText).join(" ");
  const forms = [...document.forms];
  const of = (each) => forms.indexOf(each.form ?? each.closest("form"));
  all(`[${mark}]`).forEach((each) => each.removeAttribute(mark));
  const marked = (each, index) => { each.setAttribute(mark, index); return index; };
  const out = {
    mark, address: location.origin + location.pathname, marker: performance.timeOrigin,
    loading: document.readyState === "loading",
    status: performance.getEntriesByType("navigation")[0]?.responseStatus ?? 0, title: words(document.title),
  };
  const alerts = '[role="alert"], [aria-live="assertive"], .alert, .error, .alert-danger';
  const said = (each) => words(each?.innerText);
  out.alert = said(all(alerts).find((each) => shown(each) && said(each))).slice(0, 300);
  out.heading = all('h1, h2, h3, [role="heading"]').filter(shown).map(said).join(" ").slice(0, 300);
  out.text = words(document.body?.innerText).slice(0, 2000);
  const captchas = '[id*="captcha" i], [class*="captcha" i], [class*="cf-turnstile" i],'
    + ' iframe[src*="captcha" i], iframe[src*="challenge" i], iframe[src*="turnstile" i]';
  // What only keeps watch in the background, a badge or a hidden frame, asks nothing of anybody.
  const asks = (each) => shown(each) && each.getBoundingClientRect().height > 40
    && !each.closest(".grecaptcha-badge");
  out.captcha = all(captchas).some(asks);
  out.composer = all("textarea, nav").some(shown) || all("nav").length > 0;
  const inputs = all("input").filter((each) => shown(each)
    && ["text", "email", "tel", "number", "password", "url", ""].includes(each.type));
  const called = (each) => [
    each.name, each.id, each.placeholder, each.getAttribute("aria-label"), named(each),
    ...[...(each.labels ?? [])].map(said),
  ].map(words).join(" ").toLowerCase();
  out.fields = inputs.map((each, index) => ({
    index: marked(each, index), kind: each.type, form: of(each), about: called(each),
    autocomplete: (each.getAttribute("autocomplete") ?? "").toLowerCase(), mode: each.inputMode ?? "",
    length: each.maxLength, disabled: each.disabled || each.readOnly,
  }));
  const pressed = 'button, input[type="submit"], input[type="button"], [role="button"]';
  const title = (each) => words(each.getAttribute("aria-label") || named(each) || each.innerText || each.value
    || each.title);
  const covered = (each) => {
    const box = each.getBoundingClientRect();
    const front = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return Boolean(front) && !each.contains(front) && !front.contains(each);
  };
  out.buttons = all(pressed).filter(shown).map((each, index) => ({
    index: marked(each, "b" + index) && index, name: title(each), role: "button", key: each.name ?? "",
    submits: each.type === "submit" && of(each) >= 0, covered: covered(each),
    disabled: Boolean(each.disabled) || each.getAttribute("aria-disabled") === "true", form: of(each),
  }));
  out.shape = JSON.stringify([location.pathname, out.alert, out.heading, out.captcha, out.composer,
    out.fields.map((each) => [each.kind, each.about]), out.buttons.length]);
  return out;
}"""

_CHANGED = f"""(mark, marker, shape) => {{
  const seen = ({_LOOK})(mark);
  return !seen.loading && (seen.marker !== marker || seen.shape !== shape) ? seen : null;
}}"""

# For a button without a unique name: the page itself clicks it.
_PRESS = """(mark, index) => {
  const button = document.querySelector(`[${mark}="b${index}"]`);
  setTimeout(() => button?.click());  // not before this has its answer: it may lead away
}"""


async def read_page(page: Page, *, timeout: float) -> PageView:
    """Read the page, once it has loaded. Marks its fields and buttons."""
    return await wait_for_change(page, PageView(address="", marker=-1.0), timeout=timeout)


async def wait_for_change(page: Page, before: PageView, *, timeout: float) -> PageView:
    """Wait for another document, or for a change of this one. Raises BrowserTimeout."""
    mark = f"data-sign-in-{secrets.token_hex(4)}"
    seen = await page.wait(_CHANGED, mark, before.marker, before.shape, timeout=timeout)
    return msgspec.convert(seen, PageView)


async def press(page: Page, seen: PageView, button: Button, *, timeout: float) -> None:
    """Press a button whose name is not unique."""
    await page.evaluate(_PRESS, seen.mark, button.index, timeout=timeout)
