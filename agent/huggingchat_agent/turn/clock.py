"""The deadlines of a turn. They pause while the run waits for a tool or a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggingchat_agent.setting_values import Deadlines


class Clock:
    """The deadlines of a turn. All times in seconds of one clock."""

    def __init__(self, start: float, deadlines: Deadlines) -> None:
        self._start = start
        self._looked = start  # since when the app is silent and we listen
        self._last: float | None = None  # the last update that was no keep-alive
        self._asking: float | None = None  # since when the run waits for a person
        self._asked = 0.0  # how long it waited for persons before that
        self._behind = 0.0  # how long this process read nothing
        self._deadlines = deadlines

    @property
    def longest_sleep(self) -> float:
        """The longest time to sleep between two looks at the clock."""
        return self._deadlines.idle

    def tick(self, at: float, *, asking: bool) -> None:
        """Count an update other than a keep-alive. `asking`: from now on the run waits for a person."""
        self._last = at
        if self._asking is not None:
            self._asked += at - self._asking
        self._asking = at if asking else None

    def measure_idle(self, now: float) -> float:
        """Seconds since the last update."""
        return now - (self._start if self._last is None else self._last)

    def restart(self, now: float, behind: float) -> None:
        """Start the wait for the app again: this process read nothing for `behind` seconds."""
        self._looked = now
        self._behind += behind

    def find_next_deadline(self, now: float, *, waiting: bool) -> tuple[float, str, float]:
        """What is left of the deadline that ends first, its name, and its whole length.

        The idle clock pauses while the run waits for a tool or a person, the total one only for a person.
        """
        limits = self._deadlines
        asked = self._asked + (0.0 if self._asking is None else now - self._asking)
        due = [(self._start + asked + self._behind + limits.total - now, "total", limits.total)]
        if self._last is None:
            due.append((self._looked + limits.first_update - now, "first_update", limits.first_update))
        elif not waiting:
            due.append((max(self._last, self._looked) + limits.idle - now, "idle", limits.idle))
        return min(due)
