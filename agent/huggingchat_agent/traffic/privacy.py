"""Keeps signing in out of the traffic.

Exchanges of the sign-in carry passwords, codes and states. So do those outside the app: the identity provider
may be on the same origin. They end here. All other exchanges lose the cookies and sign-in addresses in their
headers, and the headers for tool servers in their messages.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from huggingchat_agent import redact
from huggingchat_agent.exchange import Ended, Failed, Responded, Started
from huggingchat_agent.origin import path_is_within
from huggingchat_agent.wire import purposes, routes

if TYPE_CHECKING:
    from huggingchat_agent.exchange import ExchangeEvent

_OF_LOGIN = (purposes.Login, purposes.LoginCallback, purposes.Logout)
# `"headers":[{"key":…,"value":"…"}]` in the JSON of a request, which may be cut off anywhere. A person's text
# cannot match, because its quotes are escaped.
_TOOL_HEADERS = b'"headers"'
_HEADER_VALUE = re.compile(rb'("value"\s*:\s*)("(?:[^"\\]|\\.)*(?:"|\\?\Z))', re.DOTALL)
_COOKIES = ("set-cookie", "cookie", "authorization")


class Privacy:
    """A filter for exchange events. `base_path` is the app's path on its host."""

    def __init__(self, base_path: str) -> None:
        self._base_path = base_path
        self._hidden: set[str] = set()  # exchanges under way

    def show(self, event: ExchangeEvent) -> ExchangeEvent | None:
        """The event as readers may see it, None if they may not see it."""
        if isinstance(event, Started) and self._is_private(event):
            self._hidden.add(event.exchange_id)
        if event.exchange_id in self._hidden:
            if isinstance(event, Ended | Failed):
                self._hidden.discard(event.exchange_id)
            return None
        if isinstance(event, Started | Responded):
            return _mask(event)
        return event

    def _is_private(self, event: Started) -> bool:
        if not path_is_within(urlsplit(event.url).path, self._base_path):
            return True
        purpose = routes.classify(event.method, event.url, self._base_path, event.kind)
        return isinstance(purpose, _OF_LOGIN)


def _mask(event: Started | Responded) -> ExchangeEvent:
    headers = event.headers
    masked = {name: redact.MASK for name in _COOKIES if name in headers}
    if "location" in headers:
        masked["location"] = redact.address(headers["location"])
    if "referer" in headers:
        masked["referer"] = redact.address(headers["referer"])
    if masked:
        event = msgspec.structs.replace(event, headers={**headers, **masked})
    if isinstance(event, Started) and event.body and _TOOL_HEADERS in event.body:
        event = msgspec.structs.replace(event, body=_mask_tool_headers(event.body))
    return event


def _mask_tool_headers(body: bytes) -> bytes:
    """The body with the values of tool servers' headers masked. They count as secrets from now on."""
    before, name, after = body.partition(_TOOL_HEADERS)
    return before + name + _HEADER_VALUE.sub(_mask_value, after)


def _mask_value(found: re.Match[bytes]) -> bytes:
    try:
        redact.remember(msgspec.json.decode(found[2], type=str))
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass  # cut off in the middle: mask it too
    return found[1] + b'"' + redact.MASK.encode() + b'"'
