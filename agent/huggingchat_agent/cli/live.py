"""An answer on stdout while it comes: as it is, or as Markdown that grows in place."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.live import Live
from rich.segment import Segment

from huggingchat_agent.cli.console import write
from huggingchat_agent.cli.markdown import rendered, settled

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, RenderResult

FRAMES = 10  # a second, at most
# What is rendered of an unfinished block in each frame; more than a screen shows of it.
PREVIEW = 6000


class View(Protocol):
    """Where an answer goes."""

    def feed(self, text: str) -> None:
        """Some more of it."""

    def pause(self) -> None:
        """Something else is about to be written to the terminal."""

    def end(self) -> None:
        """That was all; what follows begins on a line of its own."""


def view(*, plain: bool) -> View:
    """Markdown at a terminal that can redraw lines, else the text as it is."""
    console = Console(highlight=False)
    if plain or not console.is_terminal or console.is_dumb_terminal:
        return PlainView()
    return MarkdownView(console)


class PlainView:
    """Token by token, nothing added and nothing taken away."""

    def __init__(self) -> None:
        self._within_line = False

    def feed(self, text: str) -> None:
        write(text)
        self._within_line = not text.endswith("\n")

    def pause(self) -> None:
        if sys.stdout.isatty():
            self.end()

    def end(self) -> None:
        if self._within_line:
            write("\n")
            self._within_line = False


class MarkdownView:
    """Blocks that are complete are printed for good, and scroll away as anything printed does; the last
    one is drawn anew below them until it is complete too.

    So a long answer is as cheap as a short one, and the terminal's scrollback holds every line once.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._open = ""  # the text of the last block
        self._begun = False
        self._live: _Steady | None = None

    def feed(self, text: str) -> None:
        self._open += text
        # Only a line end can complete a block.
        done = settled(self._open) if "\n" in text else 0
        if self._live is None:
            self._live = _Steady(
                self,
                console=self._console,
                transient=True,
                refresh_per_second=FRAMES,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        if done:
            complete, self._open = self._open[:done], self._open[done:]
            self._print(complete)
        self._live.changed = True

    def pause(self) -> None:
        if self._live is not None:
            self._live.changed = True
            self._live.stop()
            self._live = None

    def end(self) -> None:
        complete, self._open = self._open, ""
        self.pause()
        self._print(complete)
        self._begun = False

    def _print(self, text: str) -> None:
        if text.strip():
            self._console.print(_Lines(text, apart=self._begun), soft_wrap=False)
            self._begun = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The end of the last block, as much as the screen has room for."""
        if self._open.strip():
            room = max(console.height - 2, 1)
            yield _Lines(_preview(self._open), apart=self._begun, most=room)


class _Lines:
    """Markdown without blank lines around it; with one before it if it is to stand `apart`."""

    def __init__(self, text: str, *, apart: bool, most: int | None = None) -> None:
        self._text, self._apart, self._most = text, apart, most

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(rendered(self._text), options, pad=False)
        while lines and _blank(lines[0]):
            del lines[0]
        while lines and _blank(lines[-1]):
            del lines[-1]
        if self._apart and lines:
            lines.insert(0, [])
        for line in lines if self._most is None else lines[-self._most :]:
            yield from line
            yield Segment.line()


def _blank(line: list[Segment]) -> bool:
    """Whether nothing is to be seen there; the edge of a block of code is coloured."""
    return not any(each.text.strip() or (each.style and each.style.bgcolor) for each in line)


class _Steady(Live):
    """Draws only when there is something new: what stands still must not flicker."""

    changed = True

    def refresh(self) -> None:
        if self.changed:
            self.changed = False
            super().refresh()


def _preview(text: str) -> str:
    """The end of a long block; of code with the line that says so."""
    if len(text) <= PREVIEW:
        return text
    fence = re.match(r" {0,3}(`{3,}|~{3,})[^\n]*\n", text)
    # From the beginning of a line; a long paragraph is one line.
    end = text[-PREVIEW:]
    return (fence[0] if fence else "") + (end.partition("\n")[2] or end)
