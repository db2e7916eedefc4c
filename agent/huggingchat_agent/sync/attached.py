"""The agent on a page that a sync program drives.

    attached = attach(page, base_url="https://chat.example.org")
    page.get_by_placeholder("Ask anything").fill("hello")
    page.get_by_role("button", name="Send message").click()
    answer = attached.wait_for_answer()

Everything runs on Playwright's own event loop. Events arrive while the program is inside a Playwright call
or in `wait_for_answer`, and not while it sleeps or computes.
"""

from __future__ import annotations

import asyncio
import functools
from collections import deque
from typing import TYPE_CHECKING

from huggingchat_agent.browser.attached_page import attach_sync_page
from huggingchat_agent.chat import attached as asynchronous
from huggingchat_agent.events import Seen
from huggingchat_agent.mistakes import sync_only
from huggingchat_agent.settings import make_settings
from huggingchat_agent.sync.handlers import Handlers, pass_on
from huggingchat_agent.traffic.traffic import Traffic

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, Unpack

    from huggingchat_agent.answer import Answer
    from huggingchat_agent.browser.attached_page import SyncPage
    from huggingchat_agent.browser.greenlets import GreenletRunner
    from huggingchat_agent.emitter import Emitter
    from huggingchat_agent.eventlog import EventLog
    from huggingchat_agent.events import AnyTurnEvent, Event
    from huggingchat_agent.settings import Given, Settings


def attach(page: SyncPage, **given: Unpack[Given]) -> Attached:
    """Watch a page of Playwright's sync API from now on. Its browser must be a Chromium.

    Takes settings by name; `base_url`, `deadlines`, `home` and `step_timeout` matter here. What the page
    sent before is not seen. Raises SettingsError, or BrowserError if the browser gives no CDP session or
    is too old.
    """
    chosen = make_settings(**given)
    traffic = Traffic(chosen.base_path)
    watched, greenlets = attach_sync_page(page, chosen.base_url, traffic.put)
    attached = Attached(asynchronous.Attached(chosen, traffic, watched), greenlets)
    greenlets.wait(watched.open())
    return attached


@sync_only()
class Attached(Handlers):
    """Made by `attach`. Handlers subscribed here get the events of every turn of the page.

    They are called in order, one at a time, while the program is inside a Playwright call or in
    `wait_for_answer`, and may use the page. `events` holds the events of all turns so far, including
    those that wait for their handlers. Use it in a `with`, or call `close`.
    """

    def __init__(self, inner: asynchronous.Attached, greenlets: GreenletRunner) -> None:
        super().__init__(inner)
        self._inner = inner
        self._greenlets = greenlets
        self._to_handle: deque[Event] = deque()
        self._handling: asyncio.Task[None] | None = None
        self._sees_exchanges = False
        pass_on(inner, self._receive)

    def __repr__(self) -> str:
        return repr(self._inner)

    @property
    def settings(self) -> Settings:
        """The settings, from arguments and from the environment."""
        return self._inner.settings

    @property
    def events(self) -> EventLog[AnyTurnEvent]:
        """The events of all turns so far."""
        return self._inner.events

    def wait_for_answer(self, timeout: float | None = None) -> Answer:
        """Wait for the next answer, in the order of the messages. Every handler has handled its `finished`
        by then. Raises the turn's error if it failed.

        Raises TimeoutError if the answer is not there after `timeout` seconds; you can wait for it again.
        Without a timeout the deadlines apply: `first_update` for a message, then those of its turn.
        """
        return self._greenlets.wait(self._answer(timeout))

    def screenshot(self, path: str | Path) -> Path:
        """Write a picture (PNG) of the page, with form fields masked. Returns the path.

        Raises BrowserError, or StorageError if it cannot be written.
        """
        return self._greenlets.wait(self._inner.screenshot(path))

    def close(self) -> None:
        """Stop watching the page, which stays as it is. Turns that are running fail. Twice is fine."""
        self._greenlets.wait(self._close())

    def __enter__(self) -> Attached:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _answer(self, timeout: float | None) -> Answer:
        try:
            return await self._inner.wait_for_answer(timeout)
        finally:
            await self._wait_for_handlers()

    async def _close(self) -> None:
        await self._inner.close()
        await self._wait_for_handlers()

    def _subscribe(self, subscribe: Any, name: str, handler: Any) -> Any:
        if name == Seen.name and not self._sees_exchanges:
            self._sees_exchanges = True
            self._inner.on(name, self._receive)
        return super()._subscribe(subscribe, name, handler)

    def _receive(self, event: Event) -> None:
        self._to_handle.append(event)
        if self._handling is None or self._handling.done():
            self._handling = asyncio.create_task(_handle(self._to_handle, self._emitter, self._greenlets))

    async def _wait_for_handlers(self) -> None:
        if self._handling is not None:
            await asyncio.wait({self._handling})


async def _handle(waiting: deque[Event], emitter: Emitter, greenlets: GreenletRunner) -> None:
    """Call the handlers in a greenlet, where they may block without stopping the loop."""
    while waiting:
        event = waiting.popleft()
        await greenlets.call(functools.partial(emitter.emit, event))
