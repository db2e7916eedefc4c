"""Finds the thing that a person means, by name."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

_CLOSE = 0.6  # 1 for equal names
_LISTED = 10
_LONGEST = 80  # characters of a name that is shown in a sentence, or compared


def find_matches(things: Sequence[T], wanted: str, names: Callable[[T], Sequence[str]]) -> list[T]:
    """The things that `wanted` can mean: one if it is clear, several if it is not, or none.

    `names` gives the names of a thing, its id first. An id wins over any other name, a whole name over the
    same in another case, and that over a part of a name.
    """
    name = wanted.strip()
    folded = name.casefold()
    if not folded:
        return []
    called = [(thing, names(thing)) for thing in things]
    by_id = [thing for thing, its in called if name == its[0]]
    by_name = [thing for thing, its in called if name in its]
    in_any_case = [thing for thing, its in called if folded in _fold_case(its)]
    whole = by_id or by_name or in_any_case
    return whole[:1] or [thing for thing, its in called if any(folded in each for each in _fold_case(its))]


def quote(wanted: str) -> str:
    """The name in quotation marks, cut if it is long: it may be a whole text by mistake."""
    return repr(wanted if len(wanted) <= _LONGEST else f"{wanted[:_LONGEST]}…")


def list_names(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{', '.join(names[:_LISTED]) or 'none at all'}{more}"


def suggest(
    things: Sequence[T], wanted: str, names: Callable[[T], Sequence[str]], show: Callable[[T], str]
) -> str:
    """A sentence with the three closest names, the closest first.

    If none is close, it lists the first few.
    """
    folded = wanted.strip().casefold()[:_LONGEST]

    def measure(thing: T) -> float:
        known = _fold_case(names(thing))
        known |= {name.rpartition("/")[2] for name in known}
        return max((SequenceMatcher(None, folded, name).ratio() for name in known), default=0.0)

    closest = sorted(things, key=lambda each: -measure(each))[:3]
    if closest and measure(closest[0]) >= _CLOSE:
        return f"The closest are: {', '.join(map(show, closest))}."
    return f"There are: {list_names(list(map(show, things)))}."


def _fold_case(names: Sequence[str]) -> set[str]:
    return {name.casefold() for name in names if name}
