"""Converts errors: to values for another process of the agent, and to another program's error classes."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent import errors, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error, by the name of its class in `errors`, "" for any other, and by its attributes."""

    kind: str
    message: str
    about: dict[str, Any] = {}
    notes: list[str] = []
    cause: Fault | None = None


def make_fault(error: BaseException) -> Fault:
    """An error as a value, without secrets. For an error that is not ours: only its name and text."""
    notes = list(getattr(error, "__notes__", ()))
    if not isinstance(error, errors.AgentError):
        return Fault(kind="", message=redact.text(f"{type(error).__name__}: {error}"), notes=notes)
    kinds = (each.__name__ for each in type(error).__mro__ if each.__module__ == errors.__name__)
    cause = error.__cause__
    return Fault(
        kind=next(kinds, ""),
        message=redact.text(error.message),
        about={name: value for name, value in vars(error).items() if name not in ("message", "__notes__")},
        notes=notes,
        cause=make_fault(cause) if isinstance(cause, errors.AgentError) else None,
    )


def make_error(fault: Fault) -> Exception:
    """The error of a fault: of the same class, with the same attributes."""
    kind = getattr(errors, fault.kind, None) if fault.kind else None
    if not (isinstance(kind, type) and issubclass(kind, errors.AgentError)):
        return RuntimeError(fault.message)
    error = kind(fault.message)
    for name, value in fault.about.items():
        paths = name in ("screenshot", "snapshot") and value is not None
        setattr(error, name, Path(value) if paths else value)
    for note in fault.notes:
        error.add_note(note)
    if fault.cause is not None:
        error.__cause__ = make_error(fault.cause)
    return error


@contextlib.contextmanager
def raise_as(kind: Callable[[str], Exception]) -> Iterator[None]:
    """Raise our errors as that kind, with the sentence for the command line."""
    try:
        yield
    except errors.AgentError as error:
        raise kind(error.for_shell()) from None
