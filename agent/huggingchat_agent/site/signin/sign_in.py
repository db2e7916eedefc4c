"""Signs in as a person does: look at the page, do what it asks for, look again.

There is no fixed order of steps. The identity provider may ask for a password, a code, a consent or
nothing, in any order. So each turn of the loop recognizes the page by its content, and acts on that.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from typing import TYPE_CHECKING

from huggingchat_agent import redact
from huggingchat_agent.browser.protocols import Control
from huggingchat_agent.errors import (
    SIGN_IN_BY_HAND,
    BrowserClosed,
    BrowserError,
    BrowserTimeout,
    ChallengePresented,
    ConsentRequired,
    CredentialsRejected,
    EmailConfirmationRequired,
    LoginError,
    SecondFactorExpired,
    SecondFactorRejected,
    SecondFactorRequired,
    UnknownLoginOrigin,
)
from huggingchat_agent.origin import parse_origin
from huggingchat_agent.site.signin import page_view
from huggingchat_agent.site.signin.allowed_origins import AllowedOrigins
from huggingchat_agent.site.signin.page_kinds import Step, find_sign_in_buttons, is_silent_login, recognize
from huggingchat_agent.wire.means import Means

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.browser.protocols import Page
    from huggingchat_agent.one_time_password import Codes
    from huggingchat_agent.redact import Secret
    from huggingchat_agent.site.signin.page_view import Button, Field, PageView

# Seconds for a page to change by itself. An unknown page may only be slow, and some browser checks need no
# person.
PATIENCE = {"unknown": 4.0, "challenge": 2.0, "loading": float("inf")}

_TO_PRESS = 0.5  # seconds for a button that nothing hides
_SHORTEST = 0.01  # seconds

_BETWEEN_PAGES = 0.02  # seconds

_MARK_PATIENCE = 3.0  # a page that hydrates late makes new fields, without the marks

_EXPIRED = re.compile(r"expired|no longer valid|too old|timed? ?out|too late", re.IGNORECASE)
_HELD_OFF = re.compile(r"too many|try again later|locked|temporarily|rate.?limit|suspended", re.IGNORECASE)
_CAPTCHA = re.compile(r"captcha|robot|human", re.IGNORECASE)


class SignIn:
    """One sign-in on one page. `codes` gives the codes of a second factor."""

    def __init__(
        self,
        page: Page,
        base_url: str,
        username: str | None,
        password: Secret | None,
        codes: Codes,
        *,
        allowed: AllowedOrigins | None = None,
        insecure: bool = False,
    ) -> None:
        """`allowed` are the origins at which to type, the app's own by default. `insecure` allows typing
        secrets into pages that came over plain http.
        """
        self._page, self._base_url, self._insecure = page, base_url, insecure
        self._username, self._password, self._codes = username, password, codes
        self.begun_by = Means.SIGN_IN_BY_ADDRESS
        self._allowed = allowed or AllowedOrigins([str(parse_origin(base_url))])
        self._end = 0.0
        self._seen: PageView
        self._step = Step(kind="loading")
        self._passwords = self._names = self._given_codes = 0  # how often each was typed
        self._consents: set[str] = set()

    async def run(self, *, timeout: float) -> None:
        """Start at the app's /login, or its sign-in button, and go on until the page shows the app. The
        caller then checks who is signed in.

        Without credentials it still succeeds if the identity provider remembers the person. Raises a
        LoginError that names the page where it stopped. `timeout` is in seconds, for all of it.
        """
        self._end = time.monotonic() + timeout
        await self._page.goto(f"{self._base_url}/login", timeout=timeout)
        await self._look()
        if is_silent_login(self._seen, self._base_url):
            self.begun_by = Means.SIGN_IN_BY_BUTTON
            await self._press_sign_in()
        acts = {"form": self._fill_form, "second_factor": self._give_code, "consent": self._give_consent}
        while self._step.kind != "app":
            if act := acts.get(self._step.kind):
                await act()
                await self._wait_for_next_page()
            elif not await self._becomes_another(PATIENCE.get(self._step.kind, 0.0)):
                raise self._make_stuck_error()

    async def _press_sign_in(self) -> None:
        """Begin the sign-in with the button on the app's home page. Raises LoginError if there is none."""
        silent = self._make_stuck_error()
        await self._page.goto(f"{self._base_url}/", timeout=self._time_left)
        await self._look()
        if not find_sign_in_buttons(self._seen, self._base_url):
            raise silent
        patience = _TO_PRESS
        while buttons := find_sign_in_buttons(self._seen, self._base_url):
            if self._time_left <= _SHORTEST:
                raise await self._make_timeout_error("form")
            button = Control(buttons[0].role, buttons[0].name)
            try:
                await self._page.click(button, timeout=min(patience, self._time_left))
            except BrowserTimeout:
                patience *= 2  # a dialog came up in front of it, or the page is busy
                with contextlib.suppress(BrowserTimeout):
                    await self._look()
                continue
            with contextlib.suppress(BrowserTimeout):
                left = min(PATIENCE["unknown"], self._time_left)
                self._take(await page_view.wait_for_change(self._page, self._seen, timeout=left))

    @property
    def _time_left(self) -> float:
        return max(self._end - time.monotonic(), _SHORTEST)

    @property
    def _where(self) -> str:
        return redact.address(self._seen.address)

    @property
    def _alert(self) -> str:
        return f": {redact.text(self._seen.alert)!r}" if self._seen.alert else ""

    def _take(self, seen: PageView) -> None:
        self._seen, self._step = seen, recognize(seen, self._base_url)

    async def _look(self) -> None:
        self._take(await page_view.read_page(self._page, timeout=self._time_left))

    async def _wait_for_next_page(self) -> None:
        """Wait for a page other than the last one, or for another message on the same page."""
        before, kind, asks = self._seen, self._step.kind, self._step.asks
        while True:
            try:
                self._take(await page_view.wait_for_change(self._page, self._seen, timeout=self._time_left))
            except BrowserTimeout:
                failure = await self._make_timeout_error(kind)
            else:
                another = self._seen.marker != before.marker or self._step.asks != asks
                if another or (self._seen.alert and self._seen.alert != before.alert):
                    return
                continue
            raise failure

    async def _becomes_another(self, patience: float) -> bool:
        """Whether the page changes by itself. If so, the new page is the current view."""
        kind, end = self._step.kind, time.monotonic() + min(patience, self._time_left)
        while (left := end - time.monotonic()) > 0:
            try:
                self._take(await page_view.wait_for_change(self._page, self._seen, timeout=left))
            except BrowserTimeout:
                return False
            if self._step.kind != kind:
                return True
        return False

    async def _fill_form(self) -> None:
        step = self._step
        self._check_form(step)
        await self._check_place()
        if step.user is not None and not step.user.disabled:
            assert self._username is not None
            self._names += 1
            await self._fill_field(lambda now: now.user, self._username)
        if step.password is not None:
            assert self._password is not None
            self._passwords += 1
            await self._fill_field(lambda now: now.password, self._password.reveal())
        if step.code and (code := await self._codes.get_next()) is not None:
            self._given_codes += 1
            await self._fill_code(code)
        await self._press(self._step.button)

    def _check_form(self, step: Step) -> None:
        """Raise LoginError if filling in the form, perhaps again, cannot help."""
        if self._passwords:
            raise self._make_rejection_error()
        if self._username is None or self._password is None:
            raise LoginError(
                "The site asks for a user name and password, and none were given.",
                hint="Pass username and password to login(), or set HUGGINGCHAT_USERNAME and "
                "HUGGINGCHAT_PASSWORD.",
                shell_hint="Run `huggingchat login`, or set HUGGINGCHAT_USERNAME and HUGGINGCHAT_PASSWORD.",
            )
        self._check_encryption()
        fields = [each for each in (step.user, step.password) if each is not None]
        if fields[-1].disabled or (self._names and step.password is None):
            kind = CredentialsRejected if self._seen.alert else LoginError
            raise kind(
                f"The sign-in form at {self._where} has no user name or password field that can be filled"
                f"{self._alert}. Check the user name, and sign in there by hand once to see what it asks for."
            )

    def _check_encryption(self) -> None:
        """Raise LoginError if others on the network could read the typed text."""
        if not parse_origin(self._seen.address).private and not self._insecure:
            raise LoginError(
                f"The sign-in page at {self._where} is not encrypted (plain http), so others on the network "
                "could read the password. The agent did not type it.",
                hint="Use an https address, or pass insecure=True if you trust the network.",
                shell_hint="Use an https address, or --insecure if you trust the network.",
            )

    async def _check_place(self) -> None:
        """Raise UnknownLoginOrigin if secrets must not be typed into this page. The page could fake the
        address that it reports, but not the browser's answer to this question.
        """
        origin = None
        while origin is None:
            try:
                origin = str(await self._page.evaluate("() => location.origin", timeout=self._time_left))
            except (BrowserClosed, BrowserTimeout):
                raise
            except BrowserError:  # the page is going away
                await asyncio.sleep(_BETWEEN_PAGES)
        asked = time.monotonic()
        if not await self._allowed.allow(origin):
            raise _make_origin_error(origin, self._base_url)
        self._end += time.monotonic() - asked  # a person may have been asked

    def _make_rejection_error(self) -> LoginError:
        """The error for a form that the page shows again."""
        if self._seen.captcha or _CAPTCHA.search(self._seen.alert):
            return self._make_challenge_error()
        if _HELD_OFF.search(self._seen.alert):
            return LoginError(
                f"The site does not let this account sign in now{self._alert}. Wait, then try again."
            )
        if self._given_codes and not self._seen.alert:
            return SecondFactorExpired(
                "After the one-time code, the site asked for the password again: the time limit for "
                "both was over. Sign in again with a new code."
            )
        return CredentialsRejected(
            f"The site refused the user name or password{self._alert}. Check both and sign in again."
        )

    async def _give_code(self) -> None:
        await self._check_place()
        code = await self._codes.get_next()
        if code is None:
            raise self._make_missing_code_error()
        self._check_encryption()
        self._given_codes += 1
        await self._fill_code(code)
        await self._press(self._step.button)

    def _make_missing_code_error(self) -> LoginError:
        if not self._given_codes:
            return SecondFactorRequired(
                "The site asks for a one-time code, and none was given.",
                hint="Pass otp to login(), or set HUGGINGCHAT_TOTP_SECRET to have it computed.",
                shell_hint="Give `huggingchat login` --otp CODE, or set HUGGINGCHAT_TOTP_SECRET to have it "
                "computed.",
            )
        if _EXPIRED.search(self._seen.alert):
            return SecondFactorExpired(
                f"The one-time code had expired when it arrived{self._alert}. Sign in again with a new one."
            )
        return SecondFactorRejected(
            f"The site refused the one-time code{self._alert}. User name and password were accepted; check "
            "the code, the clock of this machine or the TOTP secret."
        )

    async def _give_consent(self) -> None:
        if self._seen.address in self._consents:
            raise ConsentRequired(
                f"The consent page at {self._where} did not let us through{self._alert}. Open it in your own "
                "browser and allow the app once."
            )
        self._consents.add(self._seen.address)
        await self._press(self._step.button)

    def _make_stuck_error(self) -> LoginError:
        """The error for a page on which the agent can do nothing."""
        if self._step.kind == "challenge":
            return self._make_challenge_error()
        if self._step.kind == "confirmation":
            return EmailConfirmationRequired(
                f"The site wants the account's e-mail address confirmed first ({self._where}). Follow the "
                "link that it sent there, then sign in again."
            )
        if self._step.kind == "loading":
            return LoginError(f"Sign-in did not finish in time. The page at {self._where} does not load.")
        text = redact.text(self._seen.alert or self._seen.text[:300])
        shown = f": {text!r}" if text else ""
        return LoginError(
            f"Sign-in stopped at {self._where}{shown}.",
            hint="Try again. If that does not help, sign in by hand in a window: headless=False, "
            "login(by_person=True).",
            shell_hint="Try again. If that does not help, sign in by hand in a window: `huggingchat login "
            "--headed`.",
        )

    def _make_challenge_error(self) -> ChallengePresented:
        return ChallengePresented(
            f"{self._where} shows a captcha or another check for humans.", **SIGN_IN_BY_HAND
        )

    async def _make_timeout_error(self, kind: str) -> LoginError:
        where = redact.address(await self._page.read_address())
        if kind == "consent":
            return ConsentRequired(
                f"The consent page did not lead back to the app in time. The browser is at {where}."
            )
        return LoginError(f"Sign-in did not finish in time. The browser is at {where}.")

    async def _fill_field(self, choose: Callable[[Step], Field | None], text: str) -> None:
        """Fill in the field that `choose` finds, now or after the page has made a new one."""
        field = choose(self._step)
        assert field is not None
        try:
            return await self._insert(field, text, min(_MARK_PATIENCE, self._time_left))
        except BrowserTimeout as error:
            failure = error
        await self._look()
        field = choose(self._step)
        if field is None:
            raise failure
        await self._insert(field, text, self._time_left)

    async def _fill_code(self, code: Secret) -> None:
        fields = self._step.code
        if len(fields) == 1:
            return await self._fill_field(lambda now: now.code[0] if now.code else None, code.reveal())
        for field, character in zip(fields, code.reveal(), strict=False):
            try:
                await self._insert(field, character, min(_MARK_PATIENCE, self._time_left))
            except BrowserTimeout:
                if field is not fields[-1]:
                    raise
                return  # after the last one the page sends them all, and no longer shows the field

    async def _insert(self, field: Field, text: str, timeout: float) -> None:
        await self._check_place()  # the page may be another one by now; the mark is of this view alone
        await self._page.insert_text(self._seen.find_mark(field), text, timeout=timeout)

    async def _press(self, button: Button | None) -> None:
        """Press the button. A page without one continues by itself once the fields are filled."""
        if button is None:
            return
        if self._seen.is_unique(button):
            await self._page.click(Control(button.role, button.name), timeout=self._time_left)
        else:
            await page_view.press(self._page, self._seen, button, timeout=self._time_left)


def _make_origin_error(origin: str, base_url: str) -> UnknownLoginOrigin:
    app = redact.address(base_url)
    return UnknownLoginOrigin(
        f"The sign-in form of {app} is at {origin}. That is not the app's own origin, and this profile has "
        "not signed in there before, so the agent typed nothing.",
        origin=origin,
        hint=f"If you do sign in there, pass login_origins=[{origin!r}].",
        shell_hint=f"If you do sign in there, give --login-origin {origin}, or run `huggingchat login` at a "
        "terminal and confirm it.",
    )
