"""What was heard during a test, for the report of its failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from huggingchat_agent.eventlog import EventLog
from huggingchat_agent.events import NAMES, Event, Seen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from huggingchat_agent.emitter import Emitter
    from huggingchat_agent.settings import Settings


class Source:
    """One chat, or one page that the agent is attached to.

    `picture` writes a picture of it, while it is open; `pictured` is the one that was written already.
    `doing` says what went on when it failed before there was anything to tell.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.events: EventLog[Event] = EventLog()
        self.picture: Callable[[Path], object] | None = None
        self.pictured: Path | None = None
        self.doing = ""


class Heard:
    """All sources of one test, the tape it plays or leaves, and whether it came to its end and passed."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.tape: Path | None = None
        self.passed = False

    def listen(self, emitter: Emitter, settings: Settings) -> Source:
        """Keep what an emitter tells from now on."""
        source = Source(settings)
        emitter.watch([name for name in NAMES if name != Seen.name], source.events.append)
        self.sources.append(source)
        return source


_KEY = pytest.StashKey[Heard]()


def of(item: pytest.Item) -> Heard:
    """What is kept with a test."""
    return item.stash.setdefault(_KEY, Heard())
