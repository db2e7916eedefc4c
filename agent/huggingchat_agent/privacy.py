"""What of the traffic nobody above needs to see: signing in.

The exchanges of the login and whatever lies outside the app (the identity provider may be on the
same origin) carry passwords, codes and states; they end here. Of the rest, the headers that lead
there or set a cookie are masked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from huggingchat_agent import redact
from huggingchat_agent.exchange import Ended, Failed, Responded, Started
from huggingchat_agent.wire import requests

if TYPE_CHECKING:
    from huggingchat_agent.exchange import ExchangeEvent

_OF_LOGIN = (requests.Login, requests.LoginCallback, requests.Logout)
_COOKIES = ("set-cookie", "cookie", "authorization")


class Privacy:
    """A sieve for exchange events. `base_path` is where the app is."""

    def __init__(self, base_path: str) -> None:
        self._base_path = base_path
        self._hidden: set[str] = set()  # exchanges under way

    def shown(self, event: ExchangeEvent) -> ExchangeEvent | None:
        """The event as it may be seen above; None if it may not."""
        if isinstance(event, Started) and self._is_private(event):
            self._hidden.add(event.exchange_id)
        if event.exchange_id in self._hidden:
            if isinstance(event, Ended | Failed):
                self._hidden.discard(event.exchange_id)
            return None
        if isinstance(event, Started | Responded):
            return _masked(event)
        return event

    def _is_private(self, event: Started) -> bool:
        path = urlsplit(event.url).path
        if path != self._base_path and not path.startswith(f"{self._base_path}/"):
            return True
        purpose = requests.classify(event.method, event.url, self._base_path, event.kind)
        return isinstance(purpose, _OF_LOGIN)


def _masked(event: Started | Responded) -> ExchangeEvent:
    headers = event.headers
    masked = {name: redact.MASK for name in _COOKIES if name in headers}
    if "location" in headers:
        masked["location"] = redact.address(headers["location"])
    if "referer" in headers:
        masked["referer"] = redact.address(headers["referer"])
    return msgspec.structs.replace(event, headers={**headers, **masked}) if masked else event
