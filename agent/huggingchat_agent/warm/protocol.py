"""The messages between a command and the warm session: one JSON object a line.

The command opens with `state.warm_socket.Opening`, and gets a Welcome. Then it sends requests, and each gets
a Result or a Problem with its id. A request that starts a reply has a Result at once, then an event for each
event of the reply, and in the end another Result (the Answer) or Problem.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from huggingchat_agent import events
from huggingchat_agent.error_values import Fault

# The largest line: a download of 256 MiB in base64, with room beside it.
LONGEST = 400 * 1024 * 1024  # bytes


class Start(msgspec.Struct, frozen=True):
    """What a warm session needs to begin, over its stdin: our variables, and the options of the command."""

    variables: dict[str, str]
    options: dict[str, Any]
    idle: float
    """Seconds without a command after which it ends."""


class Welcome(msgspec.Struct, frozen=True, kw_only=True):
    """The first answer. `different` names the settings that differ. The connection ends if there are any, or
    if `version` differs.
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
    """A value that JSON cannot hold: headers as a mapping of masks, all else as its text."""
    return dict(value) if isinstance(value, Mapping) else str(value)


def decode_event(message: Happened) -> events.Event:
    """The event in a line."""
    return msgspec.json.decode(message.event, type=_EVENTS[message.name])
