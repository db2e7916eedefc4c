"""The text of an HTML page."""

from __future__ import annotations

from html.parser import HTMLParser

_SILENT = frozenset(("script", "style", "template", "noscript", "svg"))
_BREAKS = frozenset(("title", "h1", "h2", "h3", "p", "div", "li", "br", "hr", "tr", "center", "pre"))


def extract_text(html: bytes) -> str:
    """The pieces of text a person would read, title first, one space between words; " - " between them.

    A piece that repeats an earlier one is left out.
    """
    parser = _Text()
    parser.feed(html.decode("utf-8", "replace"))
    parser.close()
    parser.end_piece()
    return " - ".join(parser.pieces)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._held: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if tag in _BREAKS:
            self.end_piece()

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(self._silent - 1, 0)
        elif tag in _BREAKS:
            self.end_piece()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._held.append(data)

    def end_piece(self) -> None:
        piece = " ".join("".join(self._held).split())
        self._held = []
        if piece and not any(piece in earlier for earlier in self.pieces):
            self.pieces.append(piece)
