"""What the results of tools hold: the blocks of their protocol (MCP), and the pages they tell of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WEB = ("http:", "https:")

# As search tools write for a model: the lines of one page follow each other, its title above its address.
_LINES = re.compile(
    r"^(?:title:[ \t]*(?P<title>[^\n]*)\n(?:(?!url:|title:)[^\n]*\n){0,6}?)?url:[ \t]*(?P<url>https?://\S+)",
    re.IGNORECASE | re.MULTILINE,
)


def blocks(outputs: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """The content of a tool's outputs."""
    for output in outputs:
        content = output.get("content") if isinstance(output, dict) else None
        yield from (block for block in content or () if isinstance(block, dict))


def linked(outputs: Sequence[Any]) -> Iterator[dict[str, str]]:
    """The pages that the outputs point to in the way the protocol provides for."""
    for block in blocks(outputs):
        if block.get("type") == "resource_link":
            yield from _page(block.get("uri"), block.get("title") or block.get("name"))


def found(outputs: Sequence[Any]) -> Iterator[dict[str, str]]:
    """The pages that a search tells of otherwise: as objects, as JSON in a text, or as lines of a text."""
    for output in outputs:
        if isinstance(output, dict) and output.get("structured"):
            yield from _objects(output["structured"])
    for block in blocks(outputs):
        text = block.get("text")
        if block.get("type") != "text" or not isinstance(text, str):
            continue
        try:
            yield from _objects(msgspec.json.decode(text))
        except msgspec.DecodeError:
            for match in _LINES.finditer(text):
                yield from _page(match["url"], match["title"])


def _objects(value: Any) -> Iterator[dict[str, str]]:
    """Of all objects within a value those that are pages: with an address and a title."""
    if isinstance(value, dict):
        if isinstance(title := value.get("title"), str):
            yield from _page(value.get("url") or value.get("link"), title)
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _objects(each)


def _page(url: Any, title: Any) -> Iterator[dict[str, str]]:
    if isinstance(url, str) and url.startswith(_WEB):
        yield {"url": url, "title": str(title or "").strip()}
