"""The account: signs in, and asks the app who is signed in."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from huggingchat_agent import parsing, redact
from huggingchat_agent.errors import (
    SIGN_IN_AGAIN,
    BrowserTimeout,
    LoginError,
    SecondFactorRequired,
    SessionRejected,
    SiteError,
    UnknownLoginOrigin,
    UsageError,
)
from huggingchat_agent.log_records import log
from huggingchat_agent.one_time_password import Codes, Otp
from huggingchat_agent.provenance import explain_withheld
from huggingchat_agent.redact import Secret
from huggingchat_agent.session.manual_login import wait_for_login
from huggingchat_agent.site.signin.allowed_origins import ConfirmOrigin
from huggingchat_agent.site.signin.sign_in import SignIn
from huggingchat_agent.state import cookies
from huggingchat_agent.wire import purposes, requests, superjson
from huggingchat_agent.wire.content import parse_flags, parse_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.session.session import Session
    from huggingchat_agent.settings import Settings
    from huggingchat_agent.site.signin.allowed_origins import AllowedOrigins


# The default name of the app's session cookie, and the name of huggingface.co's.
SESSION_COOKIE, HUB_COOKIE = "hf-chat", "token"

_DATA = ("json", "sveltekit-data")  # the types of the app's answers


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The account that the app reports.

    `username` is None when nobody is signed in. `login_offered` is false for an app without login, which
    the agent uses anonymously. `expires` is when the session's cookie ends, None if unknown.
    """

    base_url: str
    username: str | None = None
    login_offered: bool = True
    expires: datetime.datetime | None = None

    @property
    def signed_in(self) -> bool:
        """Whether somebody is signed in."""
        return self.username is not None

    @property
    def days_left(self) -> float | None:
        """Days until the session's cookie ends, None if unknown."""
        if self.expires is None:
            return None
        return round((self.expires - datetime.datetime.now(datetime.UTC)) / datetime.timedelta(days=1), 1)


async def read_account(session: Session) -> Account:
    """Ask the app. Raises SiteError if it does not answer as a chat-ui does."""
    base_url = session.settings.base_url
    if session.in_browser and not await session.tabs.shows_app():
        return Account(base_url=base_url)  # the app sent the tab to the sign-in of another site
    user = await _read(session, requests.build(purposes.ReadUser()))  # null for nobody
    if user:
        return Account(
            base_url=base_url,
            username=str(user.get("username") or user.get("name") or user["id"]),
            expires=_find_expiry(await session.read_state(), base_url),
        )
    flags = await _read(session, requests.build(purposes.FeatureFlags()), parse_flags) or {}
    return Account(base_url=base_url, login_offered=bool(flags.get("loginEnabled", True)))


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign-in needs."""

    username: str | None = None
    password: Secret | None = None
    otp: Otp | None = None
    totp_secret: Secret | None = None
    confirm_origin: ConfirmOrigin | None = None

    @classmethod
    def make(
        cls,
        settings: Settings,
        username: str | None,
        password: str | None,
        otp: Otp | None,
        confirm_origin: ConfirmOrigin | None,
    ) -> Credentials:
        """The caller's credentials, with those of the settings for what is left out."""
        return cls(
            username=parsing.parse_text("username", username) if username else settings.username,
            password=parsing.parse_secret("password", password) if password else settings.password,
            otp=otp if otp is None or callable(otp) else parsing.parse_secret("otp", otp).reveal(),
            totp_secret=settings.totp_secret,
            confirm_origin=confirm_origin,
        )

    def make_codes(self) -> Codes:
        """The one-time codes of one sign-in."""
        return Codes(self.otp, self.totp_secret)


async def login(session: Session, credentials: Credentials, *, wanted: str | None = None) -> Account:
    """Sign in with the saved session if the app still accepts it, else through the login form.

    `wanted` is the user name that the caller insists on, if any. The session is saved once the app has
    accepted it; without a login it is saved as it is. Raises LoginError, with a picture of the page if that
    explains it.
    """
    account = await read_account(session)
    if account.username and wanted and "@" not in wanted and account.username != wanted:
        raise LoginError(
            f"The profile {session.settings.profile!r} is signed in as {account.username}, not as {wanted}. "
            "Log out first, or use another profile."
        )
    if not account.login_offered:
        log.info("%s has no login; it is used without one.", redact.address(session.settings.base_url))
        await session.save()  # the conversations made there belong to its cookie
        session.save_after_write()
        return account
    known = account.signed_in
    if not known:
        allowed = session.login_origins.make_allowed(credentials.confirm_origin)
        account = await _sign_in(session, credentials, allowed)
    return await _keep_signed_in(session, account, credentials, again=known)


async def login_by_person(session: Session) -> Account:
    """Let the person at the window sign in. Returns as `login` does.

    The agent types and presses nothing. Raises LoginError when the window is closed, or after
    `person_timeout`; UsageError if a person cannot see the browser.
    """
    if not session.settings.shown:
        raise UsageError("A person needs to see the browser: open with headless=False, or bind=NAME.")
    account = await read_account(session)
    if account.signed_in or not account.login_offered:
        return account
    account = await wait_for_login(session, lambda: read_account(session))
    return await _keep_signed_in(session, account, Credentials())


async def login_by_cookies(session: Session, state: dict[str, Any], credentials: Credentials) -> Account:
    """Sign in with the cookies of another browser. They are saved once the app has accepted them.

    Raises SessionRejected if it does not. The session saved before is then in use again.
    """
    base_url, tabs = session.settings.base_url, session.tabs
    if session.settings.searched:
        raise UsageError("Cookies cannot be imported into your own browser. Leave out cookies, or connect.")
    names = {each["name"] for each in state["cookies"] if cookies.reaches(each, base_url)}
    if not names:
        host = urlsplit(base_url).hostname
        raise SessionRejected(f"None of these cookies is for {host}. Export those of the signed-in app.")
    try:
        await tabs.restart(state)
        account = await read_account(session)
        if account.signed_in:
            return await _keep_signed_in(session, account, credentials)
    except BaseException:
        await tabs.stop()
        raise
    await tabs.stop()
    if not account.login_offered:
        raise SessionRejected(f"{redact.address(base_url)} has no login; it is used without cookies.")
    raise SessionRejected(_explain_rejection(names))


async def login_by_browser(session: Session, which: str, credentials: Credentials) -> Account:
    """Sign in with the session of the user's own browser: see `persons_session.take_session`.

    It is saved once the app has accepted it. Raises SessionRejected if it does not.
    """
    settings = session.settings
    if settings.own_cookies or settings.replay:
        raise UsageError(
            "from_browser brings a session into a browser that the agent starts. Leave out connect, "
            "user_data_dir and replay, which use another one."
        )
    from huggingchat_agent.browser import persons_session  # with SQLite, which no other sign-in needs

    named = parsing.parse_text("from_browser", which)
    profile, state = await persons_session.take_session(settings, named)
    failure = SessionRejected(
        f"The app no longer knows the session that {profile} has. Open {redact.address(settings.base_url)} "
        "there, sign in, and run this again."
    )
    try:
        return await login_by_cookies(session, state, credentials)
    except SessionRejected:
        pass
    raise failure


def _explain_rejection(names: set[str]) -> str:
    if SESSION_COOKIE in names and HUB_COOKIE not in names:
        return (
            f"The app takes {SESSION_COOKIE!r} only together with the {HUB_COOKIE!r} cookie of the site it "
            f"was signed in with, and {HUB_COOKIE!r} is not among the cookies given. Export all cookies of "
            "that site, those that scripts cannot read (HttpOnly) too, from the browser that is signed in."
        )
    if HUB_COOKIE in names and SESSION_COOKIE not in names:
        return (
            f"The cookie {SESSION_COOKIE!r}, which is the app's session, is not among the cookies given. "
            "Export all cookies of the app's site, those that scripts cannot read (HttpOnly) too."
        )
    return (
        "The app does not know the session of these cookies: it has ended, or the browser they come from "
        "has signed in again since. Open the app there, see that you are signed in, and export all cookies "
        "again."
    )


async def _keep_signed_in(
    session: Session, account: Account, credentials: Credentials, *, again: bool = False
) -> Account:
    """Save the session that the app has accepted, and sign in again if the app drops it.

    `again`: it is the saved one.
    """
    await session.save()
    session.remember_app(again=again)

    async def sign_in_again(anyway: bool) -> None:
        async with session.use():
            await sign_in_in_this_browser(anyway)

    async def sign_in_in_this_browser(anyway: bool) -> None:
        if session.in_browser:
            await session.tabs.close_idle()
        if not anyway and await is_known():
            return
        try:
            found = await _sign_in(session, credentials, session.login_origins.make_allowed(again=True))
        except UnknownLoginOrigin as error:
            error.hint, error.shell_hint = SIGN_IN_AGAIN["hint"], SIGN_IN_AGAIN["shell_hint"]
            raise
        if found.username != account.username:
            raise LoginError(f"The app is now signed in as {found.username}, not as {account.username}.")
        await session.save()

    async def is_known() -> bool:
        return (await read_account(session)).signed_in

    session.recovery.arm(sign_in_again, is_known)
    return account


async def _sign_in(session: Session, credentials: Credentials, allowed: AllowedOrigins) -> Account:
    tabs, settings = session.tabs, session.settings
    if settings.searched:
        raise LoginError(
            f"Nobody is signed in at {redact.address(settings.base_url)} in your browser, and the agent "
            "types no password there. Sign in there yourself.",
            hint="Or let login(by_person=True) wait for you.",
            shell_hint="Or let `huggingchat login --connect auto` wait for you.",
        )
    page = await tabs.open_page()
    try:
        try:
            form = SignIn(
                page,
                settings.base_url,
                credentials.username,
                credentials.password,
                credentials.make_codes(),
                allowed=allowed,
                insecure=settings.insecure,
            )
            await form.run(timeout=settings.login_timeout)
            session.note_means(form.begun_by)
            # The shared tab still shows the page for strangers, whose welcome may draw a moving picture.
            await tabs.load_app()
            account = await read_account(session)
            if account.signed_in:
                session.login_origins.pin(allowed)
                return account
            failure: LoginError = SessionRejected(
                "The sign-in went through, but the app still shows nobody as signed in. Sign in there by "
                "hand once to see what it asks for."
            )
        except BrowserTimeout as error:
            failure = LoginError(f"Sign-in did not finish in time. {error}")
        except LoginError as error:
            failure = error
            if _lacks_credentials(error, credentials):
                explain_withheld(settings, failure)
        session.explain(failure)
        await tabs.save_report(failure, page.id)
    finally:
        await page.close()
    # Outside of the except blocks, so that it has no context.
    raise failure


def _lacks_credentials(error: LoginError, credentials: Credentials) -> bool:
    lacking = credentials.username is None or credentials.password is None
    return isinstance(error, SecondFactorRequired) or (type(error) is LoginError and lacking)


async def logout(session: Session) -> None:
    """End the session at the app, and delete the saved one.

    Raises SiteError or BrowserError if the app does not confirm. The saved session is deleted anyway.
    """
    session.recovery.disarm()
    try:
        answer = await session.calls.fetch(requests.build(purposes.Logout()))
    finally:
        if session.in_browser:
            session.profile.forget()
    if answer.status >= 400:
        raise SiteError(
            f"The app answered the logout with {answer.status}, so the session may still be valid there. It "
            "expires after two weeks without use. The saved session is deleted."
        )


async def read_settings(session: Session) -> dict[str, Any]:
    """The account's settings in the app. Raises SessionRejected if nobody is signed in there."""
    settings = dict(await _read(session, requests.build(purposes.ReadSettings()), parse_settings) or {})
    await session.recovery.check()
    return settings


async def _read(
    session: Session, request: requests.Call, parse: Callable[[bytes], Any] = superjson.load
) -> Any:
    answer = await session.calls.fetch(request)
    if answer.status == 401 and "json" in answer.mime:
        return None  # as the older routes answer a stranger
    if answer.status != 200 or not any(kind in answer.mime for kind in _DATA):
        raise SiteError(
            f"{redact.address(session.settings.base_url)} does not answer as a chat-ui does ({request.path} "
            f"gave {answer.status} {answer.mime or 'without a type'}). Check the base URL, its path included."
        )
    return parse(answer.body.encode())


def _find_expiry(state: dict[str, Any], base_url: str) -> datetime.datetime | None:
    """When the app's session cookie ends. Its name is the deployment's own; `hf-chat` by default."""
    ours = [
        each
        for each in state["cookies"]
        if cookies.reaches(each, base_url) and each.get("httpOnly") and each["expires"] > 0
    ]
    named = [each for each in ours if each["name"] == SESSION_COOKIE] or ours
    if not named:
        return None
    return datetime.datetime.fromtimestamp(max(each["expires"] for each in named), datetime.UTC)
