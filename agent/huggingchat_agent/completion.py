"""What a full tape still lacks at its end: what a page is just loading, and scripts of workers.

Those no tab tells of. They are found in the scripts that start workers, and fetched by a page of the
app when the recording ends: so they pass through the tap, and are on the tape like everything else.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from huggingchat_agent.errors import AgentError
from huggingchat_agent.exchange import Chunk, Ended, Failed, Responded, Started

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from huggingchat_agent.browser.protocols import Page
    from huggingchat_agent.exchange import ExchangeEvent

log = logging.getLogger("huggingchat_agent")

SECONDS = 20.0
QUIET = 0.5  # seconds without a request
QUIET_PATIENCE = 3.0

_WORKER = re.compile(rb"""["'`]([^"'`\s]*worker[^"'`\s]*\.m?js)["'`]""", re.IGNORECASE)

# Fetches these and, in turn, the scripts they import, but none that was loaded before.
_FETCH = """async (wanted, loaded) => {
  const seen = new Set(loaded), todo = [...wanted];
  while (todo.length && seen.size < 1000) {
    const url = todo.pop();
    if (seen.has(url) || new URL(url).origin !== location.origin) continue;
    seen.add(url);
    const answer = await fetch(url).catch(() => null);
    if (!answer?.ok || !answer.headers.get('content-type')?.includes('javascript')) continue;
    const text = await answer.text();
    for (const [, name] of text.matchAll(/(?:from|import)\\s*\\(?\\s*["']([^"']+\\.m?js)["']/g))
      todo.push(new URL(name, url).href);
  }
}"""


class Completion:
    """Takes note of what was loaded, and of workers that scripts speak of."""

    def __init__(self) -> None:
        self._asked: dict[str, str] = {}  # by exchange, until they are answered: of workers they never are
        self._scripts: dict[str, str] = {}  # by exchange, until their text has come
        self._loaded: set[str] = set()
        self._workers: set[str] = set()
        self._open: set[str] = set()
        self._last = 0.0  # when something was asked for

    def see(self, event: ExchangeEvent) -> None:
        if isinstance(event, Started) and event.kind != "eventsource":
            self._open.add(event.exchange_id)
            self._last = time.monotonic()
        elif isinstance(event, Ended | Failed):
            self._open.discard(event.exchange_id)
        if isinstance(event, Started):
            if event.kind == "script":
                self._asked[event.exchange_id] = event.url
        elif isinstance(event, Responded) and (url := self._asked.pop(event.exchange_id, None)):
            self._loaded.add(url)
            self._scripts[event.exchange_id] = url
        elif isinstance(event, Chunk) and (url := self._scripts.pop(event.exchange_id, None)):
            self._workers |= {urljoin(url, each.decode("latin-1")) for each in _WORKER.findall(event.data)}

    async def quiet(self) -> None:
        """Let pages come to an end with what they ask for when they were loaded, for a little while."""
        end = time.monotonic() + QUIET_PATIENCE
        while (now := time.monotonic()) < end and (self._open or now < self._last + QUIET):  # noqa: ASYNC110
            await asyncio.sleep(QUIET / 10)

    async def complete(self, tab: Callable[[], Awaitable[Page]]) -> None:
        """Have a page of the app fetch what is missing; `tab` gives one, and is asked only if need be.

        A failure is only logged: most of the tape is good without.
        """
        wanted = sorted((self._workers | set(self._asked.values())) - self._loaded)
        if not wanted:
            return
        try:
            page = await tab()
            await page.evaluate(_FETCH, wanted, sorted(self._loaded), timeout=SECONDS)
        except AgentError as error:
            log.warning("Scripts of workers are not on the tape: %s", error)
