"""Who one is to the app: signing in, proving it, and what to tell about it."""

from __future__ import annotations

import datetime
import logging
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent import redact
from huggingchat_agent.errors import (
    AgentError,
    BrowserTimeout,
    LoginError,
    SessionRejected,
    SiteError,
)
from huggingchat_agent.site.gestures import login as gestures
from huggingchat_agent.wire import requests, superjson

if TYPE_CHECKING:
    from huggingchat_agent.redact import Secret
    from huggingchat_agent.session import Session

log = logging.getLogger("huggingchat_agent")


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who the app takes us for.

    `username` is None when nobody is signed in. `login_offered` is false for an app without any
    login, which is used anonymously. `expires` is when the session's cookie ends, None if unknown.
    """

    base_url: str
    username: str | None = None
    login_offered: bool = True
    expires: datetime.datetime | None = None

    @property
    def signed_in(self) -> bool:
        """Whether the app knows us by name."""
        return self.username is not None


async def whoami(session: Session) -> Account:
    """Ask the app. Raises SiteError where it does not answer as a chat-ui does."""
    base_url = session.settings.base_url
    if await session.away():
        return Account(base_url=base_url)  # sent to the sign-in of another site at once
    user = await _read(session, requests.read_user())
    if user:
        return Account(
            base_url=base_url,
            username=str(user.get("username") or user.get("name") or user["id"]),
            expires=_expires(await session.storage_state(), session.settings.origin),
        )
    flags = await _read(session, requests.feature_flags()) or {}
    return Account(base_url=base_url, login_offered=bool(flags.get("loginEnabled", True)))


async def login(
    session: Session, username: str | None, password: Secret | None, *, wanted: str | None = None
) -> Account:
    """Be signed in: by the saved session if the app still takes it, else through the login form.

    `wanted` is the name the caller insists on, where that matters. The session is saved once the
    app proved it. An app without login is left as it is. Raises a LoginError; where the page tells
    why, with a picture of it.
    """
    account = await whoami(session)
    if account.username and wanted and "@" not in wanted and account.username != wanted:
        raise LoginError(
            f"The profile {session.settings.profile!r} is signed in as {account.username}, not as {wanted}. "
            "Log out first, or use another profile."
        )
    if not account.login_offered:
        log.info("%s has no login; it is used without one.", redact.address(session.settings.base_url))
        return account
    if not account.signed_in:
        account = await _sign_in(session, username, password)
    await session.save()
    return account


async def _sign_in(session: Session, username: str | None, password: Secret | None) -> Account:
    page = await session.new_page()
    try:
        await gestures.sign_in(
            page, session.settings.base_url, username, password, timeout=session.settings.login_timeout
        )
        if await session.away():
            await session.home()
        account = await whoami(session)
        if account.signed_in:
            return account
        failure: LoginError = SessionRejected(
            "The sign-in went through, but the app still does not know who we are. Sign in there by hand "
            "once to see what it asks for."
        )
        await session.explain(failure, page.id)
    except BrowserTimeout as error:
        failure = LoginError(f"Signing in did not get on: {error}")
        await session.explain(failure, page.id)
    except LoginError as error:
        failure = error
        await session.explain(failure, page.id)
    finally:
        await page.close()
    # Outside of the handlers, so that it has no context.
    raise failure


async def logout(session: Session) -> None:
    """End the session at the app, as far as it can be reached, and forget the saved one."""
    try:
        await session.call(requests.logout())
    except AgentError as error:
        log.warning("The app was not told of the logout: %s", error)
    finally:
        session.saved.remove()


async def read_settings(session: Session) -> dict[str, Any]:
    """The account's settings as the app keeps them."""
    return dict(await _read(session, requests.read_settings()) or {})


async def _read(session: Session, request: requests.Call) -> Any:
    answer = await session.call(request)
    if answer.status != 200 or "json" not in answer.mime:
        raise SiteError(
            f"{redact.address(session.settings.base_url)} does not answer as a chat-ui does ({request.path} "
            f"gave {answer.status} {answer.mime or 'without a type'}). Check the base URL, its path included."
        )
    return superjson.load(answer.body)


def _expires(state: dict[str, Any], origin: str) -> datetime.datetime | None:
    """When the app's session cookie ends. Its name is the deployment's own; `hf-chat` by default."""
    host = origin.split("://")[1].split(":")[0]
    cookies = [
        each
        for each in state["cookies"]
        if host.endswith(str(each["domain"]).lstrip(".")) and each.get("httpOnly") and each["expires"] > 0
    ]
    named = [each for each in cookies if each["name"] == "hf-chat"] or cookies
    if not named:
        return None
    return datetime.datetime.fromtimestamp(max(each["expires"] for each in named), datetime.UTC)
