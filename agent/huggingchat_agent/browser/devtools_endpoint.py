"""Finds the DevTools socket of a running browser."""

from __future__ import annotations

import asyncio
import http.client
import json
import urllib.request
from urllib.parse import urlsplit

from huggingchat_agent.browser.start_failures import make_connect_error

ANSWER_SECONDS = 5.0


async def find_socket_address(connect: str) -> str:
    """The ws:// address behind an http:// one; any other address unchanged. Raises BrowserError.

    The browser's answer names the host of the request, so a tunnel to another machine works too.
    """
    if urlsplit(connect).scheme not in ("http", "https"):
        return connect
    why = ""
    try:
        return await asyncio.to_thread(_fetch_socket_address, f"{connect.rstrip('/')}/json/version")
    except (OSError, http.client.HTTPException) as error:
        why = str(getattr(error, "reason", "") or error)
    except (ValueError, KeyError, TypeError):
        why = "the answer there is not a browser's"
    raise make_connect_error(connect, why)


def _fetch_socket_address(url: str) -> str:
    # A proxy from the environment is for the network, not for the browser's port.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=ANSWER_SECONDS) as answer:
        return str(json.load(answer)["webSocketDebuggerUrl"])
