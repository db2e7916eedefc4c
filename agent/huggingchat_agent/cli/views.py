"""An answer on stdout as it arrives: as raw text, or as Markdown that grows in place."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

from huggingchat_agent.cli import console as door
from huggingchat_agent.cli.terminal import Terminal, lock

if TYPE_CHECKING:
    from rich.console import Console


class View(Protocol):
    """Shows an answer."""

    def feed(self, text: str) -> None:
        """Show some more of it."""

    def pause(self) -> None:
        """Make room for other lines on the terminal."""

    def end(self) -> None:
        """Show the rest. The next output begins on a new line."""


def choose_view(*, plain: bool) -> View:
    """Markdown at a terminal that can redraw lines, else the raw text."""
    if plain or not door.out.is_terminal or door.out.is_dumb_terminal:
        return PlainView()
    from huggingchat_agent.cli.live import MarkdownView  # Markdown takes a while to load

    return MarkdownView(door.out)


class SilentView:
    """Shows nothing."""

    def feed(self, text: str) -> None:
        pass

    def pause(self) -> None:
        pass

    def end(self) -> None:
        pass


class PlainView:
    """Writes token by token, and neither adds nor removes anything."""

    def __init__(self) -> None:
        self.console: Console = door.out
        self._within_line = False

    def feed(self, text: str) -> None:
        with lock:
            Terminal.occupant = self
            door.write(text)
            self._within_line = not text.endswith("\n")

    def pause(self) -> None:
        if sys.stdout.isatty():
            self._end_line()

    def end(self) -> None:
        with lock:
            self._end_line()
            Terminal.occupant = None

    def _end_line(self) -> None:
        if self._within_line:
            door.write("\n")
            self._within_line = False
