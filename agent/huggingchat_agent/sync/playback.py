"""Plays a tape without async."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from huggingchat_agent.events import Seen
from huggingchat_agent.mistakes import sync_only
from huggingchat_agent.playback import player
from huggingchat_agent.sync.handlers import Handlers, pass_on
from huggingchat_agent.sync.thread import LoopThread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from huggingchat_agent.events import AnyEvent, Event
    from huggingchat_agent.playback.faults import Fault
    from huggingchat_agent.sync.thread import Job
    from huggingchat_agent.tape.format import Header


@sync_only()
class Replay(Handlers):
    """A tape, played once by `for event in replay` or by `replay.run()`; see `player.Replay`."""

    def __init__(self, path: str | Path, *, speed: float = 1.0, faults: Sequence[Fault] = ()) -> None:
        self._inner = player.Replay(path, speed=speed, faults=faults)
        super().__init__(self._inner)
        self._events: list[AnyEvent] = []

    def __repr__(self) -> str:
        return repr(self._inner)

    @property
    def header(self) -> Header:
        """The header of the tape."""
        return self._inner.header

    @property
    def complete(self) -> bool:
        """Whether the recording was closed properly. Known once it has been played."""
        return self._inner.complete

    @property
    def speed(self) -> float:
        """1 is the recorded pace, 2 is twice as fast, 0 is without pauses."""
        return self._inner.speed

    def run(self) -> None:
        """Play it to its end. Every handler is done when this returns."""
        for _ in self:
            pass

    def __iter__(self) -> Iterator[AnyEvent]:
        thread = LoopThread("huggingchat replay")

        def receive(event: Event) -> None:
            if not isinstance(event, Seen):
                self._events.append(event)  # type: ignore[arg-type]  # the union lists all
            self._emitter.emit(event)

        def forward(event: Event) -> None:
            thread.post(lambda: receive(event))

        pass_on(self._inner, forward)
        if self._emitter._listening(Seen.name):
            self._inner.on(Seen.name, forward)
        index = 0
        try:
            job = thread.submit(self._inner.run())
            while True:
                while index < len(self._events):
                    yield self._events[index]
                    index += 1
                if job.done and index == len(self._events):
                    thread.wait(job)
                    if index == len(self._events):
                        job.result()
                        return
                thread.wait_until(functools.partial(self._has_news, job, index))
        finally:
            thread.stop()

    def _has_news(self, job: Job[None], seen: int) -> bool:
        return len(self._events) > seen or job.done


def replay(path: str | Path, *, speed: float = 1.0, faults: Sequence[Fault] = ()) -> Replay:
    """Play a tape: `for event in replay("run.tape", speed=0)`. See Replay, and `playback.faults`.

    Raises TapeError, TapeVersion or TapeCorrupt if it cannot be read.
    """
    return Replay(path, speed=speed, faults=faults)
