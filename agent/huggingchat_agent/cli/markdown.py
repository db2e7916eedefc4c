"""Markdown for a terminal, rendered by rich. HTML in it shows as text."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from rich.markdown import Markdown

# A terminal has no use for HTML, and an answer about HTML must not lose it.
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
_BLOCKS = MarkdownIt("commonmark", {"html": False}).enable("table").disable("inline")

# Where Markdown ends a line. `str.splitlines` knows more line ends than Markdown does.
_LINE = re.compile(r"\r\n?|\n")


def render_markdown(text: str) -> Markdown:
    """The text as a renderable of rich."""
    markdown = Markdown(text)
    markdown.parsed = _PARSER.parse(text)
    return markdown


def find_open_block(text: str) -> int:
    """Where the last block of a growing text begins.

    That block may go on: a paragraph, list, table or fence. Later text changes nothing before it.
    """
    starts = [token.map[0] for token in _BLOCKS.parse(text) if token.level == 0 and token.map]
    if not starts or not starts[-1]:
        return 0
    for number, end in enumerate(_LINE.finditer(text), 1):
        if number == starts[-1]:
            return end.end()
    return 0
