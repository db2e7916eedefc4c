"""What a full tape still lacks: scripts that workers load, which no tab tells of.

They are found in the scripts that start workers, and fetched by a page of the app when the recording
ends: so they pass through the tap, and are on the tape like everything else.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from huggingchat_agent.errors import AgentError
from huggingchat_agent.exchange import Chunk, Responded, Started

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from huggingchat_agent.browser.protocols import Page
    from huggingchat_agent.exchange import ExchangeEvent

log = logging.getLogger("huggingchat_agent")

SECONDS = 20.0

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

    def see(self, event: ExchangeEvent) -> None:
        if isinstance(event, Started):
            if event.kind == "script":
                self._asked[event.exchange_id] = event.url
        elif isinstance(event, Responded) and (url := self._asked.pop(event.exchange_id, None)):
            self._loaded.add(url)
            self._scripts[event.exchange_id] = url
        elif isinstance(event, Chunk) and (url := self._scripts.pop(event.exchange_id, None)):
            self._workers |= {urljoin(url, each.decode("latin-1")) for each in _WORKER.findall(event.data)}

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
