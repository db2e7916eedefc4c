"""Reads the app's answers in all three forms: `/api/v2/*` (superjson), the older `/api/*` (plain JSON), and
the data of a page (`__data.json`).
"""

from __future__ import annotations

import re
from typing import Any

from huggingchat_agent.errors import PageChanged
from huggingchat_agent.wire import devalue, failures, superjson

_PAGE_DATA = b'{"type":'  # no other answer begins like that
_EMPTY = re.compile(r'\s*{"type":"data","nodes":\[(null,?)*\]}\s*')


def is_page_data(body: bytes) -> bool:
    """Whether a body is the data of a page."""
    return body.startswith(_PAGE_DATA)


def is_empty_page_data(body: str) -> bool:
    """Whether it is page data without content: newer apps answer so, and have the content elsewhere."""
    return _EMPTY.fullmatch(body) is not None


def find_content(body: bytes, key: str) -> Any:
    """The object with that key, or the bare list, that a body of any form holds.

    Raises PageChanged if there is none, and the error of a part of the page that failed on the server.
    """
    nodes = devalue.load(body).nodes if is_page_data(body) else [superjson.load(body)]
    for each in reversed(nodes):
        if isinstance(each, list) or (isinstance(each, dict) and key in each):
            return each
        if isinstance(each, devalue.NodeError):
            raise failures.from_response(each.status or 500, "text/plain", each.message.encode(), {})
    raise PageChanged(f"The app's answer holds no {key}.")


def find_object(body: bytes, key: str) -> dict[str, Any]:
    """The object with that key. Raises as `find_content`, also for a bare list."""
    found = find_content(body, key)
    if not isinstance(found, dict):
        raise PageChanged(f"The app's answer holds no {key}.")
    return found


def load_part(body: bytes, key: str) -> Any:
    """The part of that name of a page's data. Any other answer is that part itself.

    Raises as `find_content`.
    """
    return find_object(body, key)[key] if is_page_data(body) else superjson.load(body)


def parse_flags(body: bytes) -> dict[str, Any]:
    """The features that a deployment has switched on; empty if it does not say."""
    try:
        found = find_content(body, "loginEnabled")
    except PageChanged:
        return {}
    return found if isinstance(found, dict) else {}


def parse_settings(body: bytes) -> Any:
    """The user's settings, under the app's names."""
    return load_part(body, "settings")
