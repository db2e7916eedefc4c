"""Signing in, as a person would: look at the page, do what it asks for, look again.

There is no script of steps. The identity provider may ask for the password or remember it, may ask
for consent or not, and what comes in between is its own affair; so each turn of the loop names the
page by what is on it (meaning, not markup: autocomplete, input type, role) and acts on that.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

import msgspec

from huggingchat_agent import redact
from huggingchat_agent.browser.protocols import Control
from huggingchat_agent.errors import (
    BrowserTimeout,
    ChallengePresented,
    ConsentRequired,
    CredentialsRejected,
    LoginError,
    SecondFactorRequired,
)

if TYPE_CHECKING:
    from huggingchat_agent.browser.protocols import Page
    from huggingchat_agent.redact import Secret

Kind = Literal["app", "form", "second_factor", "consent", "challenge", "error", "other"]


class Sight(msgspec.Struct, frozen=True):
    """What a page is, what it says, and the button that leads on. `marker` changes with every document."""

    kind: Kind
    address: str
    marker: float
    alert: str = ""
    button: str = ""
    disabled: bool = False


# Names the page. Fields are known by type and autocomplete; the consent page is a form that posts,
# outside the app, and has a button that lets through. `performance.timeOrigin` tells one document
# from the next, also where the address stays. Fields are marked so that a verb can name them.
_LOOK = """(app, mark) => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (each) => each.getClientRects().length > 0;
  const first = (selector) => all(selector).find(shown);
  const text = document.body?.innerText.trim() ?? "";
  const alert = first('[role="alert"], .alert, [aria-live="assertive"], .error')?.innerText.trim() ?? "";
  const here = location.origin + location.pathname;
  const name = (button) => (button?.getAttribute("aria-label") ?? button?.innerText ?? "").trim();
  const sight = (kind, button, disabled = false) => ({
    kind, address: here, marker: performance.timeOrigin,
    alert: alert || (kind === "error" ? text.slice(0, 300) : ""),
    button: name(button) || button?.value || "", disabled,
  });
  if (document.readyState === "loading") return sight("other");
  const password = first('input[type="password"]');
  const code = first('input[autocomplete="one-time-code"], input[inputmode="numeric"]');
  const user = first('input[autocomplete~="username"], input[type="email"], input[name="username"]');
  if (code && !password) return sight("second_factor");
  if (password || user) {
    password?.setAttribute(mark, "password");
    user?.setAttribute(mark, "user");
    const submits = 'button[type="submit"], button:not([type]), input[type="submit"]';
    const button = (password ?? user).form?.querySelector(submits);
    return sight("form", button, !password || password.disabled || !user || user.disabled || !button);
  }
  if (first('[id*="captcha" i], [class*="captcha" i], iframe[src*="captcha" i], iframe[src*="challenge" i]'))
    return sight("challenge");
  const home = here === app || here.startsWith(app + "/");
  if (home && (first("textarea") || document.querySelector("nav"))) return sight("app");
  const consent = all("form").filter(shown).find((form) => form.method === "post");
  if (consent) {
    const refuses = (each) => each.name === "cancel" || /^(cancel|deny|decline|refuse)/i.test(name(each));
    const lets = [...consent.querySelectorAll("button, input[type=submit]")].find((each) => !refuses(each));
    return sight("consent", lets, !lets || lets.disabled);
  }
  return sight("error");
}"""

_MARK = "data-sign-in"

_MOVED = f"""(app, mark, kind, marker, alert) => {{
  const sight = ({_LOOK})(app, mark);
  return (sight.marker !== marker || (sight.kind !== kind && sight.kind !== "other") || sight.alert !== alert)
    && sight.kind !== "other" ? sight : null;
}}"""


async def look(page: Page, base_url: str, *, timeout: float) -> Sight:
    """What the page is now."""
    seen = await page.evaluate(_LOOK, base_url, _MARK, timeout=timeout)
    return msgspec.convert(seen, Sight)


async def sign_in(
    page: Page, base_url: str, username: str | None, password: Secret | None, *, timeout: float
) -> None:
    """From the app's /login until the app is shown again. Proving who one is then is the caller's part.

    Without credentials it still gets through where the identity provider remembers the person.
    Raises a LoginError that says which page would not let us on. `timeout` bounds all of it, seconds.
    """
    end = time.monotonic() + timeout
    await page.goto(f"{base_url}/login", timeout=timeout)
    tried: Sight | None = None
    consented = False
    sight = await look(page, base_url, timeout=timeout)
    while sight.kind != "app":
        left = max(end - time.monotonic(), 0.01)
        if sight.kind == "form":
            if tried is not None:
                raise CredentialsRejected(
                    f"The site refused the user name or password{_said(sight.alert)}. Check both and sign in "
                    "again."
                )
            if username is None or password is None:
                raise LoginError(
                    "The site asks for a user name and password and none were given. Pass username and "
                    "password to login(), or set HUGGINGCHAT_USERNAME and HUGGINGCHAT_PASSWORD."
                )
            if sight.disabled:
                raise LoginError(
                    f"The sign-in form at {redact.address(sight.address)} has no user name or password field "
                    "that can be filled. Sign in there by hand once to see what it asks for."
                )
            tried = sight
            await page.insert_text(f'[{_MARK}="user"]', username, timeout=left)
            await page.insert_text(f'[{_MARK}="password"]', password.reveal(), timeout=left)
            await page.click(Control("button", sight.button), timeout=left)
        elif sight.kind == "consent":
            if sight.disabled or consented:
                raise ConsentRequired(
                    f"The consent page at {redact.address(sight.address)} did not let us through"
                    f"{_said(sight.alert)}. Open it in your own browser and allow the app once."
                )
            consented = True
            await page.click(Control("button", sight.button), timeout=left)
        elif sight.kind == "second_factor":
            raise SecondFactorRequired(
                "The account asks for a one-time code, which this sign-in cannot give."
            )
        elif sight.kind == "challenge":
            raise ChallengePresented(
                f"{redact.address(sight.address)} wants to see a human. The agent does not solve challenges; "
                "sign in there with your own browser first, then try again."
            )
        elif sight.kind == "error":
            raise LoginError(
                f"Signing in ended at {redact.address(sight.address)}{_said(sight.alert)}. Try again; if it "
                "stays, sign in there by hand."
            )
        sight = await _next(page, base_url, sight, max(end - time.monotonic(), 0.01))


async def _next(page: Page, base_url: str, sight: Sight, timeout: float) -> Sight:
    """Wait for another page than the one just handled, or another word on the same one."""
    try:
        seen = await page.wait(
            _MOVED, base_url, _MARK, sight.kind, sight.marker, sight.alert, timeout=timeout
        )
    except BrowserTimeout:
        where = redact.address(await page.address())
        if sight.kind == "consent":
            raise ConsentRequired(
                f"The consent page did not lead back to the app in time; the browser stands at {where}."
            ) from None
        raise LoginError(
            f"Signing in did not get on within the time given; the browser stands at {where}."
        ) from None
    return msgspec.convert(seen, Sight)


def _said(alert: str) -> str:
    return f": {redact.text(alert)!r}" if alert else ""
