"""What is ours to a program without g4f, and g4f's as well to one that uses it.

g4f's client tells the parts of an answer, and errors, by their classes. A program that uses that
client has loaded g4f, so there is no need for us to import it: where its modules are there, what we
make is of a class that is both ours and its own. So the order of imports does not matter, and without
g4f nothing of it is looked for.
"""

from __future__ import annotations

import sys
from typing import Any, TypeVar

T = TypeVar("T")

_THEIRS = ("g4f.providers.response", "g4f.errors")


def kin(ours: type[T]) -> type[T]:
    """The class to make one of these from. Its methods are ours; theirs are there besides."""
    for name in (each.__name__ for each in ours.__mro__[:-1]):
        for module in _THEIRS:
            theirs = getattr(sys.modules.get(module), name, None)
            if isinstance(theirs, type):
                both: type[T] = _both(ours, theirs)
                return both
    return ours


_made: dict[tuple[type[Any], type[Any]], type[Any]] = {}


def _both(ours: type[Any], theirs: type[Any]) -> type[Any]:
    """Always the same class for the same two."""
    if (ours, theirs) not in _made:
        fields = {"__module__": ours.__module__, "__doc__": ours.__doc__}
        _made[ours, theirs] = type(ours.__name__, (ours, theirs), fields)
    return _made[ours, theirs]
