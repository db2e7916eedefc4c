"""Reads responses that the app inlines into the HTML of a page load. They have no request of their own."""

from __future__ import annotations

import base64
from html.parser import HTMLParser
from urllib.parse import urlsplit

import msgspec


class InlinedResponse(msgspec.Struct, frozen=True):
    """One answer: the address as the page asked for it, the status, the body."""

    url: str
    status: int
    body: bytes


class _Script(msgspec.Struct):
    body: str
    status: int = 200


def parse_inlined(html: bytes) -> dict[str, InlinedResponse]:
    """The answers of a page by path and query, as in "/chat/api/v2/conversations?p=0".

    The path holds the base path. Scripts that cannot be read are left out.
    """
    parser = _Scripts()
    parser.feed(html.decode("utf-8", "replace"))
    parser.close()
    return parser.found


class _Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, InlinedResponse] = {}
        self._attributes: dict[str, str | None] | None = None
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "script" and "data-sveltekit-fetched" in attributes and attributes.get("data-url"):
            self._attributes, self._text = attributes, []

    def handle_data(self, data: str) -> None:
        if self._attributes is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        attributes, self._attributes = self._attributes, None
        if attributes is None:
            return
        url = attributes["data-url"] or ""
        try:
            script = msgspec.json.decode("".join(self._text), type=_Script)
            body = base64.b64decode(script.body) if "data-b64" in attributes else script.body.encode()
        except (msgspec.DecodeError, ValueError):
            return
        parts = urlsplit(url)
        key = parts.path + (f"?{parts.query}" if parts.query else "")
        self.found.setdefault(key, InlinedResponse(url, script.status, body))
