"""What a command and the warm session say to each other: one JSON object a line.

The command opens with `state.warm_socket.Opening`, and gets a Welcome. Then it sends requests, and each gets
a Result or a Problem with its id. A request that starts a reply has a Result at once, then an event for each
event of the reply, and in the end another Result (the Answer) or Problem.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from huggingchat_agent import errors, events, redact

# The largest line: a download of 256 MiB in base64, with room beside it.
LONGEST = 400 * 1024 * 1024  # bytes


class Start(msgspec.Struct, frozen=True):
    """What a warm session needs to begin, over its stdin: our variables, and the options of the command."""

    variables: dict[str, str]
    options: dict[str, Any]
    idle: float
    """Seconds without a command after which it ends."""


class Welcome(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers. `different` names the settings that this command has differently.

    The connection is over if that is not empty, or `version` is another one.
    """

    version: str
    process: int
    username: str | None = None
    browser: str = ""
    idle: float = 0.0
    different: list[str] = []


class Request(msgspec.Struct, frozen=True):
    """A call. The arguments are those of the method of that name, by name."""

    id: int
    verb: str
    arguments: dict[str, Any] = {}


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error, by the name of its class in `errors`, "" for any other, and by its attributes."""

    kind: str
    message: str
    about: dict[str, Any] = {}
    notes: list[str] = []
    cause: Fault | None = None


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation, as the methods that make one return it."""

    id: str
    model: str | None
    url: str


class Result(msgspec.Struct, frozen=True, tag="result"):
    """What a call returned."""

    id: int
    value: msgspec.Raw


class Problem(msgspec.Struct, frozen=True, tag="problem"):
    """What a call raised."""

    id: int
    fault: Fault


class Happened(msgspec.Struct, frozen=True, tag="event"):
    """An event of the reply that a call started."""

    id: int
    name: str
    event: msgspec.Raw


Incoming = Result | Problem | Happened

_EVENTS: dict[str, type[events.Event]] = {each.name: each for each in events.every()}


def encode(message: msgspec.Struct) -> bytes:
    """A line."""
    return msgspec.json.encode(message, enc_hook=_encode_other) + b"\n"


def encode_value(value: Any) -> msgspec.Raw:
    """A part of a line."""
    return msgspec.Raw(msgspec.json.encode(value, enc_hook=_encode_other))


def _encode_other(value: Any) -> Any:
    """What JSON has no form for: headers as a mapping of masks, all else as its text."""
    return dict(value) if isinstance(value, Mapping) else str(value)


def decode_event(message: Happened) -> events.Event:
    """The event in a line."""
    return msgspec.json.decode(message.event, type=_EVENTS[message.name])


def make_fault(error: BaseException) -> Fault:
    """An error as a value, without secrets. Of an error that is not ours: its name and text alone."""
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
