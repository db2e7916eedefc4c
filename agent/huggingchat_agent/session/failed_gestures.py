"""Remembers what the app's pages could not do a moment ago, so that the next message does not retry it."""

from __future__ import annotations

import time

TRY_AGAIN = 300.0  # seconds until the page is tried again: the app may work by then


class FailedGestures:
    """Remembers each gesture that failed, and why, until it works or some minutes have passed."""

    def __init__(self) -> None:
        self._failed: dict[str, tuple[str, float]] = {}

    def note(self, gesture: str, why: str) -> None:
        self._failed[gesture] = (why, time.monotonic())

    def forget(self, gesture: str) -> None:
        """Forget that it failed: it works."""
        self._failed.pop(gesture, None)

    def clear(self) -> None:
        """Forget all. Another browser loads every page again."""
        self._failed.clear()

    def find(self, *gestures: str) -> str:
        """Why one of these failed a moment ago; "" if none did."""
        for gesture in gestures:
            why, at = self._failed.get(gesture, ("", 0.0))
            ago = time.monotonic() - at
            if why and ago < TRY_AGAIN:
                return f"{why} That was {ago:.0f} s ago, so the page was not tried again."
        return ""
