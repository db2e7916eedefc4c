"""Waits while a person signs in at the window, or with the tools of a bound browser."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from huggingchat_agent import redact
from huggingchat_agent.errors import AgentError, BrowserClosed, BrowserTimeout, LoginError, SiteError
from huggingchat_agent.origin import is_within

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from huggingchat_agent.session.account import Account
    from huggingchat_agent.session.session import Session

# Where the window is now, once its document or address is not the one seen before.
_WHERE = """(seen) => {
  const here = `${performance.timeOrigin} ${location.origin}${location.pathname}`;
  return document.readyState !== "loading" && here !== seen ? here : null;
}"""


async def wait_for_login(session: Session, read_account: Callable[[], Awaitable[Account]]) -> Account:
    """Wait until a person has signed in. Returns their account.

    Raises LoginError when the window or its tab is closed, or when `person_timeout` is over.
    """
    settings = session.settings
    end = time.monotonic() + settings.person_timeout
    failure: AgentError
    try:
        page = await session.tabs.get_shared(to_move=True)
        await page.goto(f"{settings.base_url}/login", timeout=settings.step_timeout)
        here = ""
        while True:
            here = await page.wait(_WHERE, here, timeout=max(end - time.monotonic(), 0.01))
            address = here.partition(" ")[2]
            if not is_within(address, settings.base_url) or is_within(address, f"{settings.base_url}/login"):
                continue
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
