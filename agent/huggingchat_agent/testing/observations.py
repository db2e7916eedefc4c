"""The observations during a test, for the report of its failure."""

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


class ObservedChat:
    """The events of one chat, or of one page that the agent is attached to.

    `picture` writes a picture of it while it is open; `pictured` is the path of an existing one. `doing`
    names the current step, for a failure before the first event.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.events: EventLog[Event] = EventLog()
        # Set from outside: a chat is observed before it is open, and until after it is closed.
        self.picture: Callable[[Path], object] | None = None
        self.pictured: Path | None = None
        self.doing = ""


class Observations:
    """All chats of one test, the tape that it plays or leaves, and whether it passed."""

    def __init__(self) -> None:
        self.sources: list[ObservedChat] = []
        self.tape: Path | None = None
        self.passed = False

    def observe(self, emitter: Emitter, settings: Settings) -> ObservedChat:
        """Keep an emitter's events from now on."""
        source = ObservedChat(settings)
        emitter._watch([name for name in NAMES if name != Seen.name], source.events.append)
        self.sources.append(source)
        return source


_KEY = pytest.StashKey[Observations]()


def get_observations(item: pytest.Item) -> Observations:
    """The observations of a test."""
    return item.stash.setdefault(_KEY, Observations())
