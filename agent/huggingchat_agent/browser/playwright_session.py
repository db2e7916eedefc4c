"""CDP sessions of Playwright, of its async API and of its sync one, as a `cdp.Cdp`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from huggingchat_agent.browser.cdp import make_refusal
from huggingchat_agent.browser.page import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    import playwright.async_api
    import playwright.sync_api

    from huggingchat_agent.browser.greenlets import GreenletRunner
    from huggingchat_agent.errors import BrowserError


class PlaywrightSession:
    """A session of the async API."""

    def __init__(self, session: playwright.async_api.CDPSession) -> None:
        self._session = session

    def on(self, receive: Callable[[str, dict[str, Any]], None]) -> None:
        """Pass on the events that a page needs, in order."""
        for name in EVENTS:
            self._session.on(name, lambda params, name=name: receive(name, params))

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = await self._session.send(method, params or {})
            return answer
        except Exception as error:  # of the driver, whose errors are of many classes
            said = str(error)
        # Outside of the handler, so that our error has no context.
        raise _translate(method, said)

    async def detach(self) -> None:
        """Detach from the tab, which stays as it is."""
        await self._session.detach()


class GreenletSession:
    """A session of the sync API, for coroutines on its loop."""

    def __init__(self, session: playwright.sync_api.CDPSession, greenlets: GreenletRunner) -> None:
        self._session, self._greenlets = session, greenlets

    def on(self, receive: Callable[[str, dict[str, Any]], None]) -> None:
        """Pass on the events that a page needs, in order."""
        for name in EVENTS:
            self._session.on(name, lambda params, name=name: receive(name, params))

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = await self._greenlets.call(
                lambda: self._session.send(method, params or {})
            )
            return answer
        except Exception as error:  # as above
            said = str(error)
        raise _translate(method, said)

    async def detach(self) -> None:
        """Detach from the tab, which stays as it is."""
        await self._greenlets.call(self._session.detach)


def _translate(method: str, said: str) -> BrowserError:
    return make_refusal(method, said.partition(f"({method}): ")[2] or said)
