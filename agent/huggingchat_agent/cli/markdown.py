"""Markdown for a terminal: as rich renders it, with what is HTML in it shown as it was written."""

from __future__ import annotations

from markdown_it import MarkdownIt
from rich.markdown import Markdown

from huggingchat_agent.cli.console import printable

# A terminal has no use for HTML, and an answer about HTML must not lose it.
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])


def rendered(text: str) -> Markdown:
    """What to print for that text."""
    text = printable(text)
    markdown = Markdown(text)
    markdown.parsed = _PARSER.parse(text)
    return markdown


def settled(text: str) -> int:
    """How much at the beginning of a growing text cannot look any different, whatever comes.

    That is all before its last block: a paragraph, list, table or fence may go on.
    """
    starts = [token.map[0] for token in _PARSER.parse(text) if token.level == 0 and token.map]
    lines = text.splitlines(keepends=True)
    return sum(len(line) for line in lines[: starts[-1]]) if starts else 0
