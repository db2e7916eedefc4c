"""Consoles that show text from elsewhere as plain text, and drawings safe from other threads."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console
from rich.live import Live
from rich.segment import ControlType, Segment

from huggingchat_agent.printable import show_marks, strip_controls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import ConsoleOptions, RenderableType

FRAMES = 10  # a second, at most
# A slow frame is followed by a pause this many times as long.
REST = 4

# Whether the terminal wraps lines at its edge. Rich has no name for this control.
_NO_WRAP, _WRAP = (Segment(code, None, [(ControlType.CARRIAGE_RETURN,)]) for code in ("\x1b[?7l", "\x1b[?7h"))

# Hold this while you write to the terminal: two threads that write at once lose lines.
lock = threading.RLock()


def to_one_line(text: str) -> str:
    """A name or title for a line of its own or a cell of a table."""
    return show_marks(strip_controls(" ".join(text.split())))


class Occupant(Protocol):
    """Output in progress on a terminal. It can make room for lines on other consoles."""

    console: Console

    def pause(self) -> None:
        """Leave the cursor at the beginning of a line. The next output starts the drawing again."""


class Terminal(Console):
    """A console whose strings are never markup, and whose text never controls the terminal.

    With `marks`, it marks characters that deceive a reader too. That is for messages and names, not for
    answers.
    """

    occupant: Occupant | None = None  # of the screen that all consoles share

    def __init__(self, *, marks: bool = False, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)
        self._marks = marks

    def print(self, *objects: Any, **options: Any) -> None:
        with lock:
            occupant = Terminal.occupant
            if self.is_terminal and occupant is not None and occupant.console is not self:
                occupant.pause()
            super().print(*objects, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                text = strip_controls(segment.text)
                yield Segment(show_marks(text) if self._marks else text, segment.style)


class _Unwrapped:
    """Something whose lines a terminal cuts at its edge.

    Terminals do not agree how wide some characters are. A line that one of them wraps would take two, and a
    drawing that counts one would not be erased whole.
    """

    def __init__(self, renderable: RenderableType) -> None:
        self._renderable = renderable

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterable[RenderableType | Segment]:
        if console.is_dumb_terminal:
            yield self._renderable
            return
        yield _NO_WRAP
        yield self._renderable
        yield _WRAP


class Drawing:
    """Draws something in place until `stop`. Set `changed` when there is something new to draw.

    A thread draws it, at most `FRAMES` times a second, while it holds `lock`.
    """

    def __init__(self, renderable: RenderableType, console: Console, *, animated: bool = False) -> None:
        self.changed = True
        self._animated = animated
        self._over = threading.Event()
        self._live = Live(
            _Unwrapped(renderable),
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        with lock:
            self._live.start()
        threading.Thread(target=self._run, name="huggingchat drawing", daemon=True).start()

    def draw(self) -> None:
        """Draw it now, if it changed."""
        with lock:
            if (self.changed or self._animated) and not self._over.is_set():
                self.changed = False
                self._live.refresh()

    def stop(self) -> None:
        """Erase it. It is not drawn again."""
        with lock:
            self._over.set()
            self._live.stop()

    def _run(self) -> None:
        pause = 0.0
        while not self._over.wait(pause):
            begun = time.monotonic()
            self.draw()
            pause = max(1 / FRAMES, REST * (time.monotonic() - begun))
