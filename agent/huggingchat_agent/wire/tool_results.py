"""The contents of tool results: blocks of the protocol (MCP), and the pages they mention."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WEB = ("http:", "https:")

# Search tools write for the model: one page per group of lines, the title above the address.
_LINES = re.compile(
    r"^(?:title:[ \t]*(?P<title>[^\n]*)\n(?:(?!url:|title:)[^\n]*\n){0,6}?)?url:[ \t]*(?P<url>https?://\S+)",
    re.IGNORECASE | re.MULTILINE,
)


def iterate_blocks(outputs: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Yield the content blocks of a tool's outputs."""
    for output in outputs:
        content = output.get("content") if isinstance(output, dict) else None
        yield from (block for block in content or () if isinstance(block, dict))


def find_linked_pages(outputs: Sequence[Any]) -> Iterator[dict[str, str]]:
    """Yield the pages that the outputs link to by the protocol's own resource links."""
    for block in iterate_blocks(outputs):
        if block.get("type") == "resource_link":
            yield from _make_page(block.get("uri"), block.get("title") or block.get("name"))


def find_listed_pages(outputs: Sequence[Any]) -> Iterator[dict[str, str]]:
    """Yield the pages that a search lists as objects, as JSON in a text, or as lines of a text."""
    for output in outputs:
        if isinstance(output, dict) and output.get("structured"):
            yield from _find_in_objects(output["structured"])
    for block in iterate_blocks(outputs):
        text = block.get("text")
        if block.get("type") != "text" or not isinstance(text, str):
            continue
        try:
            yield from _find_in_objects(msgspec.json.decode(text))
        except msgspec.DecodeError:
            for match in _LINES.finditer(text):
                yield from _make_page(match["url"], match["title"])


def _find_in_objects(value: Any) -> Iterator[dict[str, str]]:
    """Yield the objects within a value that have an address and a title."""
    if isinstance(value, dict):
        if isinstance(title := value.get("title"), str):
            yield from _make_page(value.get("url") or value.get("link"), title)
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _find_in_objects(each)


def _make_page(url: Any, title: Any) -> Iterator[dict[str, str]]:
    if isinstance(url, str) and url.startswith(_WEB):
        yield {"url": url, "title": str(title or "").strip()}
