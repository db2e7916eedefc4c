"""Requests to the app through `Calls`. They sign in again if the app has dropped the session, and are retried
by the rule of their route.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from typing import TYPE_CHECKING, TypeVar

from huggingchat_agent import forks
from huggingchat_agent.errors import AgentError, PageChanged, UsageError
from huggingchat_agent.retrying import Failure, attempts
from huggingchat_agent.session.alternatives import Alternatives
from huggingchat_agent.session.drifts import Drifts
from huggingchat_agent.site.calls import require_success
from huggingchat_agent.wire.retry_rules import RULES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from huggingchat_agent import events
    from huggingchat_agent.session.sign_in_again import SignInAgain
    from huggingchat_agent.site.calls import CallResult, Calls
    from huggingchat_agent.wire.requests import Call

T = TypeVar("T")

# An app that answers at all answers within this time.
UNHEARD_AFTER = 3.0  # seconds


class AppCalls:
    """Makes requests. `opener` gives calls that go through the shared tab, or that a tape answers. `note`
    gets an event for each retry. Without `note`, as on a tape, nothing is retried: a tape gives the same
    answer again. `drifts` gets the answers, and each request runs within `use`.

    Everything raises SiteError when the app does not answer, and BrowserError when the browser is gone.
    """

    def __init__(
        self,
        opener: Callable[[], Awaitable[Calls]],
        recovery: SignInAgain,
        *,
        timeout: float,
        note: Callable[[events.Retrying], object] | None = None,
        drifts: Drifts | None = None,
        use: Callable[[], AbstractAsyncContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        self.recovery = recovery
        self.timeout = timeout  # seconds for one request
        self.alternatives = Alternatives()
        self.drifts = drifts or Drifts()
        self._after_write: Callable[[], Awaitable[None]] | None = None  # to call once
        self._opener, self._note, self._use = opener, note, use
        self.unheard = False  # whether the last call got no answer for UNHEARD_AFTER
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = os.getpid()
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
        `SignInAgain.guard`, which does that for its whole action.
        """
        tried = False

        async def once() -> bytes:
            nonlocal tried
            again, tried = tried, True
            calls = await self.open()
            if not request.binary:
                answer = await self._try(calls, request, conversation_id)
            else:
                answer, body = await calls.download(request, timeout=self.timeout)
                if answer.status == 200:
                    return body  # also an HTML page, which would be a refusal of any other request
            if again and request.method == "DELETE" and answer.status == 404:
                return b""  # the first attempt did it
            return require_success(answer, request, conversation_id=conversation_id)

        while True:
            count, tried = self.recovery.count, False
            try:
                body = await self.repeat(request, once, conversation_id)
            except AgentError as error:
                failure = error
                if isinstance(error, PageChanged) and error.part:
                    self.drifts.see_missing(request, self.alternatives.routes)
            else:
                if self._after_write is not None and request.method != "GET":
                    then, self._after_write = self._after_write, None
                    await then()
                return body
            if not recover:
                raise failure
            recover = False
            await self.recovery.recover_from(failure, count)
            if self._note is not None:
                self._note(Failure(failure, 2, 0.0).describe(request.route, conversation_id))

    def call_after_write(self, then: Callable[[], Awaitable[None]]) -> None:
        """Call `then` once, after the next request that writes."""
        self._after_write = then

    async def fetch(self, request: Call) -> CallResult:
        """The answer as it came, whatever its status."""

        async def once() -> CallResult:
            return await self._try(await self.open(), request)

        return await self.repeat(request, once)

    async def repeat(self, request: Call, once: Callable[[], Awaitable[T]], conversation_id: str = "") -> T:
        """The result of the first attempt that succeeds, within the rule of the request."""
        note = self._note

        def report(failure: Failure) -> None:
            if note is not None:
                note(failure.describe(request.route, conversation_id))

        async with self._use():
            if note is None:
                return await once()
            async for attempt in attempts(RULES[request.repeats], report):
                with attempt:
                    return await once()
        raise AssertionError("there is always a first attempt")

    async def _try(self, calls: Calls, request: Call, conversation_id: str = "") -> CallResult:
        """The answer to the first alternative that the app has, to `request` itself if it has none."""
        begun = time.monotonic()
        try:
            answer, used = await self.alternatives.call(calls, request, timeout=self.timeout)
        except BaseException:  # the caller may wait no longer
            self.unheard = time.monotonic() - begun >= UNHEARD_AFTER
            raise
        self.unheard = False
        if used is not None:
            self.drifts.see_routes(self.alternatives.routes)
            if answer.status == 200:
                self.drifts.see(used.purpose, answer.body, conversation_id)
        return answer

    def check_loop(self, *, needed: bool = False) -> None:
        """Raise UsageError in another event loop or process than the one this was first used in.

        Outside of any loop nothing can be awaited, so that is an error only where one is `needed`.
        """
        if os.getpid() != self._process:
            raise UsageError(forks.OTHER_PROCESS)
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
