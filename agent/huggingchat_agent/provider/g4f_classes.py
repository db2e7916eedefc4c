"""Classes that are also g4f's, in a program that has loaded g4f.

g4f's client recognises the parts of an answer, and errors, by their classes. A program that uses this
client has loaded g4f already, so we never import it. If its modules are loaded, our objects get a class
that inherits from ours and from g4f's. The order of imports does not matter.
"""

from __future__ import annotations

import sys
from typing import Any, TypeVar

T = TypeVar("T")

_THEIRS = ("g4f.providers.response", "g4f.errors")


def mix_in_g4f(ours: type[T]) -> type[T]:
    """The class to instantiate. Our methods win; g4f's are inherited too."""
    for name in (each.__name__ for each in ours.__mro__[:-1]):
        for module in _THEIRS:
            theirs = getattr(sys.modules.get(module), name, None)
            if isinstance(theirs, type):
                both: type[T] = _join_classes(ours, theirs)
                return both
    return ours


_made: dict[tuple[type[Any], type[Any]], type[Any]] = {}


def _join_classes(ours: type[Any], theirs: type[Any]) -> type[Any]:
    """The class that joins the two, the same at every call."""
    if (ours, theirs) not in _made:
        fields = {"__module__": ours.__module__, "__doc__": ours.__doc__}
        _made[ours, theirs] = type(ours.__name__, (ours, theirs), fields)
    return _made[ours, theirs]
