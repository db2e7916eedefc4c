"""Runs our coroutines on the event loop of a running sync Playwright.

Sync Playwright has an event loop in the thread that uses it: a greenlet runs the loop while the caller
waits inside a call. No other loop can run in this thread meanwhile, and no other thread may use
Playwright's objects. So our coroutines run on the same loop. They make progress while the thread is inside
a Playwright call, or in `GreenletRunner.wait`.

`GreenletRunner.call` runs blocking code (a Playwright call, or a handler that may make one) in its own
greenlet, as Playwright does with event handlers. While it waits, the loop runs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import greenlet

from huggingchat_agent.errors import BrowserClosed, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

_STOPPED = "Playwright was stopped, and the page with it."


class GreenletRunner:
    """Make one in the thread that uses Playwright, between two of its calls.

    `pump` is a short call of that Playwright: it lets the loop run once.
    """

    def __init__(self, pump: Callable[[], object]) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            raise UsageError("No sync Playwright is running in this thread.") from None
        found: list[greenlet.greenlet] = []
        self._loop.call_soon(lambda: found.append(greenlet.getcurrent()))
        pump()
        self._dispatcher = found[0]

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end and return its result; Playwright's events arrive meanwhile.

        Do not call it from a coroutine. If interrupted, it cancels the coroutine. Raises BrowserClosed
        when Playwright is stopped.
        """
        me = greenlet.getcurrent()
        if self._dispatcher.dead or me is self._dispatcher:
            coroutine.close()
            raise BrowserClosed(_STOPPED)
        task = self._loop.create_task(coroutine)
        waiting = True

        def resume(_: object) -> None:
            if waiting:
                me.switch()

        task.add_done_callback(resume)
        try:
            while not task.done():
                if self._dispatcher.dead:
                    raise BrowserClosed(_STOPPED)
                self._dispatcher.switch()
        except BaseException:
            task.cancel()
            raise
        finally:
            waiting = False
        return task.result()

    async def call(self, function: Callable[[], T]) -> T:
        """Call a function in a greenlet, where it may block. Returns its result, and raises its error."""
        outcome: asyncio.Future[T] = self._loop.create_future()

        def run() -> None:
            try:
                result = function()
            except BaseException as error:
                if not outcome.done():  # otherwise nothing waits for it any more
                    outcome.set_exception(error)
            else:
                if not outcome.done():
                    outcome.set_result(result)

        greenlet.greenlet(run).switch()
        return await outcome
