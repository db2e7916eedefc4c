"""Completes a full tape when the recording ends: a page of the app fetches what the tape lacks.

* Scripts of workers and caches of service workers, which no tab reports, and scripts that a closing tab cut
  off.
* Scripts that a page loads only on demand, because another run may need them. Their names are in the loaded
  scripts.
* The end of the list of conversations. How far a page reads that list is a matter of milliseconds. The empty
  page after its end answers for every unread page.
* The user, because a replay asks for it first.

The page's requests pass through the tap, so they are on the tape like all others.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from huggingchat_agent.errors import AgentError
from huggingchat_agent.exchange import Chunk, Ended, Failed, Responded, Started
from huggingchat_agent.log_records import log
from huggingchat_agent.wire import purposes, requests

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.tape.recorder import Tab
    from huggingchat_agent.wire.requests import Call


SECONDS = 20.0
QUIET = 0.5  # seconds without a request
QUIET_PATIENCE = 3.0
BEHIND_THE_LIST = 9999  # a page of the list of conversations beyond any account's last one

_NAMED = re.compile(rb"""["'`]([^"'`\s]*(?:/|worker)[^"'`\s]*\.(?:m?js|css))["'`]""", re.IGNORECASE)
_LONGEST_NAME = 500

# Fetches the given addresses, the scripts and caches of service workers, and all files that their scripts
# name, except for those loaded before.
_FETCH = """async (wanted, loaded) => {
  const seen = new Set(loaded), todo = [...wanted];
  for (const each of (await navigator.serviceWorker?.getRegistrations()) ?? [])
    for (const worker of [each.installing, each.waiting, each.active])
      if (worker) todo.push(worker.scriptURL);
  for (const name of (await globalThis.caches?.keys()) ?? [])
    for (const request of await (await caches.open(name)).keys()) todo.push(request.url);
  while (todo.length && seen.size < 1000) {
    const url = todo.pop();
    if (seen.has(url) || new URL(url).origin !== location.origin) continue;
    seen.add(url);
    const answer = await fetch(url).catch(() => null);
    const text = await answer?.text();
    if (!answer?.ok || !answer.headers.get('content-type')?.includes('javascript')) continue;
    for (const [, name] of text.matchAll(/["'`]([^"'`\\s]*\\/[^"'`\\s]*\\.(?:m?js|css))["'`]/g))
      if (URL.canParse(name, url)) todo.push(new URL(name, url).href);
  }
}"""


class Completion:
    """Remembers the loaded scripts and styles, and the names of others in them."""

    def __init__(self) -> None:
        # Scripts and styles under way, by exchange. Those of workers are never reported as complete.
        self._requested: dict[str, str] = {}
        self._answered: set[str] = set()
        self._scripts: dict[str, tuple[str, bytes]] = {}  # by exchange, with the end of what has come
        self._loaded: set[str] = set()
        self._named: set[str] = set()
        self._open: set[str] = set()  # exchanges that are under way
        self._endless: set[str] = set()
        self._last = 0.0  # when the last request was made

    def see(self, event: ExchangeEvent) -> None:
        if isinstance(event, Started):
            self._open.add(event.exchange_id)
            self._last = time.monotonic()
            if event.kind == "eventsource":
                self._endless.add(event.exchange_id)
        elif isinstance(event, Responded) and event.exchange_id in self._endless:
            self._open.discard(event.exchange_id)  # it ends when its page does
        elif isinstance(event, Ended | Failed):
            self._open.discard(event.exchange_id)
            self._endless.discard(event.exchange_id)
            self._scripts.pop(event.exchange_id, None)
            if event.exchange_id in self._answered and isinstance(event, Ended):
                self._loaded.add(self._requested.pop(event.exchange_id))
            self._answered.discard(event.exchange_id)
        if isinstance(event, Started):
            if event.kind in ("script", "stylesheet"):
                self._requested[event.exchange_id] = event.url
        elif isinstance(event, Responded) and (url := self._requested.get(event.exchange_id)):
            self._answered.add(event.exchange_id)
            if "javascript" in event.mime:
                self._scripts[event.exchange_id] = (url, b"")
        elif isinstance(event, Chunk) and event.exchange_id in self._scripts:
            url, end = self._scripts[event.exchange_id]
            text = end + event.data  # a name may be cut in two
            for name in _NAMED.findall(text):
                with contextlib.suppress(ValueError):  # it only looks like an address
                    self._named.add(urljoin(url, name.decode("latin-1")))
            self._scripts[event.exchange_id] = (url, text[-_LONGEST_NAME:])

    async def wait_until_quiet(self) -> None:
        """Wait until pages make no more requests, for QUIET_PATIENCE seconds at most."""
        end = time.monotonic() + QUIET_PATIENCE
        # Quiet is the lack of an event, so there is none to wait for.
        while (now := time.monotonic()) < end and (self._open or now < self._last + QUIET):  # noqa: ASYNC110
            await asyncio.sleep(QUIET / 10)

    async def complete(
        self, tab: Callable[[], Awaitable[Tab]], call: Callable[[Call], Awaitable[object]]
    ) -> None:
        """Let a page of the app fetch the missing files. `tab` opens one, `call` makes a request in it.

        A failure is only logged: most tapes are good without them.
        """
        wanted = sorted((self._named | set(self._requested.values())) - self._loaded)
        try:
            page = await tab()
            await page.evaluate(_FETCH, wanted, sorted(self._loaded), timeout=SECONDS)
            for purpose in (purposes.ListConversations(BEHIND_THE_LIST), purposes.ReadUser()):
                await call(requests.build(purpose))
            await self.wait_until_quiet()  # until it is on the tape
        except AgentError as error:
            log.warning("The tape may lack files that a page loads later: %s", error)
