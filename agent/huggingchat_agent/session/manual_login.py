"""Waits while a person signs in at the window."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from huggingchat_agent import redact
from huggingchat_agent.errors import AgentError, BrowserClosed, BrowserTimeout, LoginError, SiteError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from huggingchat_agent.session.account import Account
    from huggingchat_agent.session.session import Session

# True when the app is shown; `marker` is the document that was already asked about.
_AT_APP = """(app, marker) => {
  const here = location.origin + location.pathname;
  const inside = (here === app || here.startsWith(app + "/")) && !here.startsWith(app + "/login");
  return inside && document.readyState !== "loading" && performance.timeOrigin !== marker
    ? performance.timeOrigin : null;
}"""


async def wait_for_login(session: Session, read_account: Callable[[], Awaitable[Account]]) -> Account:
    """Wait until a person has signed in. Returns their account.

    Raises LoginError when the window or its tab is closed, or when `person_timeout` is over.
    """
    settings = session.settings
    end = time.monotonic() + settings.person_timeout
    failure: AgentError
    try:
        page = await session.tabs.get_shared()
        await page.goto(f"{settings.base_url}/login", timeout=settings.step_timeout)
        marker = 0.0
        while True:
            marker = await page.wait(
                _AT_APP, settings.base_url, marker, timeout=max(end - time.monotonic(), 0.01)
            )
            try:
                account = await read_account()
            except SiteError:
                continue  # the person goes on while we ask
            if account.signed_in:
                return account
    except BrowserClosed:
        failure = LoginError(
            "The window was closed before anybody was signed in, so nothing is saved. Run it again and "
            "leave the window open: it closes by itself."
        )
    except BrowserTimeout:
        failure = LoginError(
            f"Nobody signed in at {redact.address(settings.base_url)} within "
            f"{settings.person_timeout:g} s. Run it again when there is time."
        )
    raise failure
