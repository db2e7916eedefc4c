"""A page for a tab that another program opened and drives.

The agent changes nothing in it, and leaves it open when it detaches.
"""

from __future__ import annotations

import contextlib
import inspect
import itertools
from typing import TYPE_CHECKING, Any

from huggingchat_agent.browser.cdp import make_refusal
from huggingchat_agent.browser.page import CdpPage
from huggingchat_agent.browser.playwright_session import GreenletSession, PlaywrightSession
from huggingchat_agent.browser.pump import Pump, make_filter
from huggingchat_agent.errors import UsageError
from huggingchat_agent.wire.tap import Tap

if TYPE_CHECKING:
    from collections.abc import Callable

    import playwright.async_api
    import playwright.sync_api

    from huggingchat_agent.browser.greenlets import GreenletRunner
    from huggingchat_agent.exchange import ExchangeEvent

    AsyncPage = playwright.async_api.Page
    SyncPage = playwright.sync_api.Page

_numbers = itertools.count(1)


class AttachedPage(CdpPage):
    """A page in another program's tab. `close` detaches from the tab and leaves it open."""

    def __init__(
        self,
        tab: AsyncPage | SyncPage,
        session: PlaywrightSession | GreenletSession,
        base_url: str,
        sink: Callable[[ExchangeEvent], None],
    ) -> None:
        id = f"borrowed-{next(_numbers)}"
        super().__init__(id, session, Pump(session, Tap(id, make_filter(base_url)), sink), _leave_open)
        self._session = session
        session.on(self.receive)
        watched: Any = tab  # both APIs have the same events
        watched.on("crash", lambda _: self.mark_gone("The tab crashed."))
        watched.on("close", lambda _: self.mark_closed("The tab was closed."))

    async def close(self) -> None:
        self.mark_closed("The agent was detached from the tab.")
        await self.wait_closed()
        with contextlib.suppress(Exception):  # the tab, or the whole driver, may be gone
            await self._session.detach()


async def attach_page(tab: AsyncPage, base_url: str, sink: Callable[[ExchangeEvent], None]) -> AttachedPage:
    """Watch a page of Playwright's async API. Raises BrowserError if its browser is not a Chromium."""
    _check_page(tab, is_async=True)
    try:
        session = PlaywrightSession(await tab.context.new_cdp_session(tab))
    except Exception as error:  # the driver raises errors of many classes
        said = str(error)
    else:
        return AttachedPage(tab, session, base_url, sink)
    raise make_refusal("a CDP session", said)


def attach_sync_page(
    tab: SyncPage, base_url: str, sink: Callable[[ExchangeEvent], None]
) -> tuple[AttachedPage, GreenletRunner]:
    """Watch a page of Playwright's sync API. Returns the page, and the runner for its coroutines."""
    _check_page(tab, is_async=False)
    try:
        session = tab.context.new_cdp_session(tab)
    except Exception as error:  # the driver raises errors of many classes
        said = str(error)
    else:
        from huggingchat_agent.browser.greenlets import GreenletRunner  # loads a library of its own

        greenlets = GreenletRunner(lambda: session.send("Page.enable"))
        return AttachedPage(tab, GreenletSession(session, greenlets), base_url, sink), greenlets
    raise make_refusal("a CDP session", said)


def _check_page(tab: object, *, is_async: bool) -> None:
    """Raise UsageError for anything but a page of that API of Playwright."""
    make = getattr(getattr(tab, "context", None), "new_cdp_session", None)
    if make is None:
        raise UsageError(f"Give a Playwright page, not {tab!r}.")
    if inspect.iscoroutinefunction(make) != is_async:
        other, where = ("sync", "huggingchat_agent.sync") if is_async else ("async", "huggingchat_agent")
        raise UsageError(f"This page is of Playwright's {other} API. Use `attach` of {where} for it.")


async def _leave_open() -> None:
    """The tab is not ours to close."""
