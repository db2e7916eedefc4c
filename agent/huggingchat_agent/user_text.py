"""Checks text from the user where it enters: half a character or a stray byte cannot be sent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from huggingchat_agent.errors import AgentError, UsageError


def require_text(name: str, value: Any, *, wrong: type[AgentError] = UsageError) -> str:
    """The value, if it is text that UTF-8 can hold, without NUL. Raises `wrong` otherwise, with `name`."""
    if not isinstance(value, str):
        raise wrong(f"{name} must be text, not {value!r}.")
    if "\0" in value:
        place = value.index("\0") + 1
        raise wrong(f"{name} holds a NUL at position {place}: it is UTF-16, or no text. Give text in UTF-8.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise wrong(explain_unencodable(name, error)) from None
    return value


def require_path(name: str, value: Any, *, wrong: type[AgentError] = UsageError) -> Path:
    """The value as a path. Raises `wrong`, with `name`, if no path can be that."""
    if not isinstance(value, str | os.PathLike) or isinstance(os.fspath(value), bytes):
        raise wrong(f"{name} must be a path, not {value!r}.")
    try:
        encoded = os.fsencode(value)
    except UnicodeEncodeError as error:
        raise wrong(explain_unencodable(name, error)) from None
    if b"\0" in encoded:
        raise wrong(f"{name} holds a NUL, which no path can.")
    return Path(value)


def explain_unencodable(name: str, error: UnicodeEncodeError) -> str:
    """The error sentence for text that UTF-8 cannot hold."""
    found = error.object[error.start]
    # Python's form of a byte that is not UTF-8, from the command line or a file name.
    what = f"the byte 0x{ord(found) - 0xDC00:02x}" if "\udc80" <= found <= "\udcff" else "half a character"
    return f"{name} holds {what} at position {error.start + 1}, which is not text in UTF-8. Give it in UTF-8."


def repair(value: str) -> str:
    """The text with U+FFFD for characters that UTF-8 cannot hold. For names, which may change."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
