"""Dates as the app writes them."""

from __future__ import annotations

from datetime import datetime


def parse_date(text: str) -> datetime:
    """The moment of an ISO 8601 text. Raises ValueError or TypeError.

    It is a plain `datetime` even while a test has frozen the clock: freezing puts a subclass in its place,
    which msgspec does not accept.
    """
    real: type[datetime] = next(each for each in datetime.__mro__ if each.__module__ == "datetime")
    return real.fromisoformat(text)
