"""An answer on stdout as Markdown that grows in place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.segment import Segment

from huggingchat_agent.cli.markdown import find_open_block, render_markdown
from huggingchat_agent.cli.terminal import Drawing, Terminal, lock
from huggingchat_agent.printable import strip_controls

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

# How many characters of an unfinished block each frame renders; more than a screen shows of it.
PREVIEW = 6000
# An open block that has not ended is parsed again when it is this many times as long. So the work for a
# long list or table grows with its length, not with the square of it.
GROWTH = 1.1


class MarkdownView:
    """Prints complete blocks for good, and draws the last, open one below them again and again.

    So a long answer costs as little as a short one, and the terminal's scrollback holds every line once.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._open = ""  # the text of the last block
        self._parse_at = 0  # the length at which it is worth another look
        self._begun = False
        self._drawing: Drawing | None = None

    def feed(self, text: str) -> None:
        text = strip_controls(text)
        with lock:
            Terminal.occupant = self
            self._open += text
            if self._drawing is None:
                self._drawing = Drawing(self, self.console)
            # Only a line end can complete a block.
            if "\n" in text and len(self._open) >= self._parse_at:
                done = find_open_block(self._open)
                complete, self._open = self._open[:done], self._open[done:]
                self._parse_at = int(len(self._open) * GROWTH)
                self._print(complete)
            self._drawing.changed = True

    def draw(self) -> None:
        """Draw what is new now, not with the next frame."""
        if self._drawing is not None:
            self._drawing.draw()

    def pause(self) -> None:
        if self._drawing is not None:
            self._drawing.stop()
            self._drawing = None

    def end(self) -> None:
        with lock:
            complete, self._open = self._open, ""
            self.pause()
            self._print(complete)
            self._begun = False
            self._parse_at = 0
            Terminal.occupant = None

    def _print(self, text: str) -> None:
        if text.strip():
            self.console.print(_Lines(text, apart=self._begun), soft_wrap=False)
            self._begun = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The end of the open block, as much as the screen has room for."""
        if self._open.strip():
            room = max(console.height - 2, 1)
            yield _Lines(_preview(self._open), apart=self._begun, most=room)


class _Lines:
    """Markdown without blank lines around it; with one before it if it stands `apart`."""

    def __init__(self, text: str, *, apart: bool, most: int | None = None) -> None:
        self._text, self._apart, self._most = text, apart, most

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(render_markdown(self._text), options, pad=False)
        while lines and _is_blank(lines[0]):
            del lines[0]
        while lines and _is_blank(lines[-1]):
            del lines[-1]
        if self._apart and lines:
            lines.insert(0, [])
        for line in lines if self._most is None else lines[-self._most :]:
            yield from line
            yield Segment.line()


def _is_blank(line: list[Segment]) -> bool:
    """Whether nothing shows there. The edge of a code block has a colour."""
    return not any(each.text.strip() or (each.style and each.style.bgcolor) for each in line)


def _preview(text: str) -> str:
    """The end of a long block; of code with the line that says so."""
    if len(text) <= PREVIEW:
        return text
    fence = re.match(r" {0,3}(`{3,}|~{3,})[^\n]*\n", text)
    # Cut at the beginning of a line. A long paragraph is one line.
    end = text[-PREVIEW:]
    return (fence[0] if fence else "") + (end.partition("\n")[2] or end)
