"""Requests to the app through `Calls`. They sign in again if the app has dropped the session."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from huggingchat_agent.errors import AgentError, BrowserClosed, PageChanged, UsageError
from huggingchat_agent.events import Drift
from huggingchat_agent.session.alternatives import Alternatives
from huggingchat_agent.session.drifts import Drifts
from huggingchat_agent.site.calls import require_success

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from huggingchat_agent.session.sign_in_again import Recovery
    from huggingchat_agent.site.calls import CallResult, Calls
    from huggingchat_agent.wire.requests import Call

# A call can fail a moment before the driver notices that the browser is gone.
NOTICE = 0.2  # seconds


class AppCalls:
    """Makes requests. `opener` gives the calls that go through the shared tab, or are answered from a tape.

    Everything raises SiteError when the app does not answer, and BrowserError when the browser is gone.
    """

    def __init__(self, opener: Callable[[], Awaitable[Calls]], recovery: Recovery, *, timeout: float) -> None:
        self.recovery = recovery
        self.timeout = timeout  # seconds for one request
        self.alternatives = Alternatives()
        self.drifts = Drifts()
        self._opener = opener
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    async def open(self) -> Calls:
        """The calls as they are now. Raises UsageError when closed, or in another event loop."""
        self.check_loop()
        if self._closed:
            raise UsageError("This HuggingChat is closed. Open a new one.")
        return await self._opener()

    async def ask(self, request: Call, *, conversation_id: str = "", recover: bool = True) -> bytes:
        """The body of a successful answer. Raises the error that fits any other answer.

        If the app has dropped the session, this signs in again and asks once more. `recover` is false inside
        `Recovery.guard`, which does that for its whole action. If the browser turns out to be gone, a read is
        made once more in another one.
        """
        again = request.method == "GET"
        while True:
            count = self.recovery.count
            calls = await self.open()
            try:
                if not request.binary:
                    answer = await self._try(calls, request, conversation_id)
                else:
                    answer, body = await calls.download(request, timeout=self.timeout)
                    if answer.status == 200:
                        return body  # also an HTML page, which would be a refusal of any other request
                return require_success(answer, request, conversation_id=conversation_id)
            except BrowserClosed:
                if not again:
                    raise
                again = False
                await asyncio.sleep(NOTICE)
                continue
            except AgentError as error:
                failure = error
                if isinstance(error, PageChanged) and error.part:
                    self.drifts.note(Drift(part="the app", change=error.change, what=error.part))
            if not recover:
                raise failure
            recover = False
            await self.recovery.recover_from(failure, count)

    async def fetch(self, request: Call) -> CallResult:
        """The answer as it came, whatever its status."""
        return await self._try(await self.open(), request)

    async def _try(self, calls: Calls, request: Call, conversation_id: str = "") -> CallResult:
        """The answer to the first alternative that the app has, to `request` itself if it has none."""
        answer, used = await self.alternatives.call(calls, request, timeout=self.timeout)
        if used is not None:
            self.drifts.see_routes(self.alternatives.routes)
            if answer.status == 200:
                self.drifts.see(used.purpose, answer.body, conversation_id)
        return answer

    def check_loop(self, *, needed: bool = False) -> None:
        """Raise UsageError in another event loop than the one this was first used in.

        Outside of any loop nothing can be awaited, so that is an error only where one is `needed`.
        """
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            if not needed:
                return
            raise UsageError(
                "This thread runs no event loop, and a message needs the one that this HuggingChat was "
                "opened in. Send it from a coroutine there (asyncio.run_coroutine_threadsafe starts one), or "
                "take huggingchat_agent.sync."
            ) from None
        self._loop = self._loop or running
        if self._loop is not running:
            raise UsageError(
                "This HuggingChat belongs to the event loop it was opened in, and this is another one. Open, "
                "use and close it within one asyncio.run, or take huggingchat_agent.sync."
            )

    def close(self) -> None:
        """Refuse all further requests."""
        self._closed = True
