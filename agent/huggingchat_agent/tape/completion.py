"""What a full tape still lacks at its end: what a page is just loading, and what it may yet load.

Of scripts of workers no tab tells; one that a closing tab cut off may have come nowhere else; and what
a page loads only at need (an answer is rendered without its worker where that is slow to come) it may
need another time. They are found by their names in the scripts that were loaded. And how far a page
reads on in the list of conversations is a matter of milliseconds: what the app says behind its end is
asked for, and holds for every page that was not read. Who is signed in is what whoever plays the tape
asks first. All this is fetched by a page of the app when the recording ends: so it passes through the
tap, and is on the tape like everything else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from huggingchat_agent.errors import AgentError
from huggingchat_agent.exchange import Chunk, Ended, Failed, Responded, Started
from huggingchat_agent.wire import requests

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.tape.recorder import Tab
    from huggingchat_agent.wire.requests import Call

log = logging.getLogger("huggingchat_agent")

SECONDS = 20.0
QUIET = 0.5  # seconds without a request
QUIET_PATIENCE = 3.0
BEHIND_THE_LIST = 9999  # a page of the list of conversations that nobody has

_NAMED = re.compile(rb"""["'`]([^"'`\s]*(?:/|worker)[^"'`\s]*\.(?:m?js|css))["'`]""", re.IGNORECASE)
_LONGEST_NAME = 500

# Fetches these and, in turn, what scripts among them name, but nothing that was loaded before.
_FETCH = """async (wanted, loaded) => {
  const seen = new Set(loaded), todo = [...wanted];
  while (todo.length && seen.size < 1000) {
    const url = todo.pop();
    if (seen.has(url) || new URL(url).origin !== location.origin) continue;
    seen.add(url);
    const answer = await fetch(url).catch(() => null);
    if (!answer?.ok || !answer.headers.get('content-type')?.includes('javascript')) continue;
    const text = await answer.text();
    for (const [, name] of text.matchAll(/["'`]([^"'`\\s]*\\/[^"'`\\s]*\\.(?:m?js|css))["'`]/g))
      if (URL.canParse(name, url)) todo.push(new URL(name, url).href);
  }
}"""


class Completion:
    """Takes note of what was loaded, and of what the scripts among it name."""

    def __init__(self) -> None:
        # By exchange, until it came whole; of workers it never does.
        self._asked: dict[str, str] = {}
        self._answered: set[str] = set()
        self._scripts: dict[str, tuple[str, bytes]] = {}  # by exchange, with the end of what has come
        self._loaded: set[str] = set()
        self._named: set[str] = set()
        self._open: set[str] = set()  # that nothing has come of yet
        self._endless: set[str] = set()
        self._last = 0.0  # when something was asked for

    def see(self, event: ExchangeEvent) -> None:
        if isinstance(event, Started):
            self._open.add(event.exchange_id)
            self._last = time.monotonic()
            if event.kind == "eventsource":
                self._endless.add(event.exchange_id)
        elif isinstance(event, Responded) and event.exchange_id in self._endless:
            self._open.discard(event.exchange_id)  # what more it says is for who looks on
        elif isinstance(event, Ended | Failed):
            self._open.discard(event.exchange_id)
            self._endless.discard(event.exchange_id)
            self._scripts.pop(event.exchange_id, None)
            if event.exchange_id in self._answered and isinstance(event, Ended):
                self._loaded.add(self._asked.pop(event.exchange_id))
            self._answered.discard(event.exchange_id)
        if isinstance(event, Started):
            if event.kind in ("script", "stylesheet"):
                self._asked[event.exchange_id] = event.url
        elif isinstance(event, Responded) and (url := self._asked.get(event.exchange_id)):
            self._answered.add(event.exchange_id)
            if "javascript" in event.mime:
                self._scripts[event.exchange_id] = (url, b"")
        elif isinstance(event, Chunk) and event.exchange_id in self._scripts:
            url, end = self._scripts[event.exchange_id]
            text = end + event.data  # a name may be cut in two
            for name in _NAMED.findall(text):
                with contextlib.suppress(ValueError):  # what only looks like an address
                    self._named.add(urljoin(url, name.decode("latin-1")))
            self._scripts[event.exchange_id] = (url, text[-_LONGEST_NAME:])

    async def quiet(self) -> None:
        """Let pages come to an end with what they ask for when they were loaded, for a little while."""
        end = time.monotonic() + QUIET_PATIENCE
        while (now := time.monotonic()) < end and (self._open or now < self._last + QUIET):  # noqa: ASYNC110
            await asyncio.sleep(QUIET / 10)

    async def complete(
        self, tab: Callable[[], Awaitable[Tab]], call: Callable[[Call], Awaitable[object]]
    ) -> None:
        """Have a page of the app fetch what is missing. `tab` gives one, `call` makes a request in it.

        A failure is only logged: most of the tape is good without.
        """
        wanted = sorted((self._named | set(self._asked.values())) - self._loaded)
        try:
            page = await tab()
            if wanted:
                await page.evaluate(_FETCH, wanted, sorted(self._loaded), timeout=SECONDS)
            for request in (requests.list_conversations(BEHIND_THE_LIST), requests.read_user()):
                await call(request)
            await self.quiet()  # what the page has is on the tape a moment later
        except AgentError as error:
            log.warning("What a page may yet load is not all on the tape: %s", error)
