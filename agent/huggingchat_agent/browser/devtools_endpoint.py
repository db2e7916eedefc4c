"""Asks a running browser, or a server of browsers, over plain HTTP for its socket and its load."""

from __future__ import annotations

import asyncio
import http.client
import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from huggingchat_agent.browser.start_failures import make_connect_error

if TYPE_CHECKING:
    from huggingchat_agent.endpoint import Endpoint

ANSWER_SECONDS = 5.0
LARGEST = 4 * 1024 * 1024  # bytes of an answer; the list of tabs is the longest


class NoAnswer(Exception):
    """No server answers. The text says why."""


class Unknown(Exception):
    """The server answers, but not what a browser would."""


async def find_socket_address(endpoint: Endpoint) -> str:
    """The ws:// address behind an http:// one; any other address unchanged. Raises BrowserError.

    The browser's answer names the host of the request, so a tunnel to another machine works too.
    """
    if endpoint.has_socket:
        return endpoint.address
    why = ""
    try:
        return str((await fetch(endpoint, "/json/version"))["webSocketDebuggerUrl"])
    except NoAnswer as error:
        why = str(error)
    except (Unknown, KeyError, TypeError):
        why = "the answer there is not a browser's"
    raise make_connect_error(endpoint, why)


async def fetch(endpoint: Endpoint, path: str) -> Any:
    """The JSON at another path of that server. Raises NoAnswer or Unknown."""
    return await asyncio.to_thread(_fetch, endpoint, path)


def _fetch(endpoint: Endpoint, path: str) -> Any:
    request = urllib.request.Request(endpoint.locate(path))
    if endpoint.credentials:
        request.add_header("Authorization", endpoint.credentials)
    # A proxy from the environment is for the network, not for the browser's port.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    why, unknown = "", ""
    try:
        with opener.open(request, timeout=ANSWER_SECONDS) as answer:
            return json.loads(answer.read(LARGEST))
    except urllib.error.HTTPError as error:
        error.close()
        why = unknown = f"HTTP {error.code}"
        if error.code >= 500:
            unknown = ""
    except (OSError, http.client.HTTPException) as error:
        why = str(getattr(error, "reason", "") or error or type(error).__name__)
    except (ValueError, RecursionError):
        unknown = "no JSON"
    # Outside of the handlers, so that our error has no context: it would hold the whole address.
    raise Unknown(unknown) if unknown else NoAnswer(why)
