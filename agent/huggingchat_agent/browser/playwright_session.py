"""Playwright's CDP sessions, from its async and its sync API, as a `cdp.Cdp`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from huggingchat_agent.browser.cdp import make_refusal
from huggingchat_agent.browser.page import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    import playwright.async_api
    import playwright.sync_api

    from huggingchat_agent.browser.greenlets import GreenletRunner
    from huggingchat_agent.errors import BrowserError

# Playwright reads the signature of a handler with every event. This one takes it a sixth of the time.
_ONE_ARGUMENT = Signature([Parameter("params", Parameter.POSITIONAL_ONLY)])


class _Session(ABC):
    """The part that both APIs share."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def on(self, receive: Callable[[str, dict[str, Any]], None]) -> None:
        """Pass on the events that a page needs, in order."""
        for name in EVENTS:
            self._session.on(name, _make_handler(name, receive))

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            return await self._send(method, params or {})
        except Exception as error:  # of the driver, whose errors are of many classes
            said = str(error)
        # Outside of the handler, so that our error has no context.
        raise _translate(method, said)

    @abstractmethod
    async def _send(self, method: str, params: dict[str, Any]) -> dict[str, Any]: ...


class PlaywrightSession(_Session):
    """A session of the async API."""

    def __init__(self, session: playwright.async_api.CDPSession) -> None:
        super().__init__(session)

    async def _send(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = await self._session.send(method, params)
        return answer

    async def detach(self) -> None:
        """Detach from the tab, which stays as it is."""
        await self._session.detach()


class GreenletSession(_Session):
    """A session of the sync API, for coroutines on its loop."""

    def __init__(self, session: playwright.sync_api.CDPSession, greenlets: GreenletRunner) -> None:
        super().__init__(session)
        self._greenlets = greenlets

    async def _send(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        return await self._greenlets.call(lambda: self._session.send(method, params))

    async def detach(self) -> None:
        """Detach from the tab, which stays as it is."""
        await self._greenlets.call(self._session.detach)


def _make_handler(
    name: str, receive: Callable[[str, dict[str, Any]], None]
) -> Callable[[dict[str, Any]], None]:
    def handle(params: dict[str, Any]) -> None:
        receive(name, params)

    handle.__signature__ = _ONE_ARGUMENT  # type: ignore[attr-defined]
    return handle


def _translate(method: str, said: str) -> BrowserError:
    return make_refusal(method, said.partition(f"({method}): ")[2] or said)
