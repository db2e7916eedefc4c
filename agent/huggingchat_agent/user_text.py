"""Text from the user, checked where it comes in: half a character or a stray byte can be sent nowhere."""

from __future__ import annotations

from typing import Any

from huggingchat_agent.errors import AgentError, UsageError


def require_text(name: str, value: Any, *, wrong: type[AgentError] = UsageError) -> str:
    """The value, if it is text that UTF-8 can hold. Raises `wrong` otherwise; `name` says whose it is."""
    if not isinstance(value, str):
        raise wrong(f"{name} must be text, not {value!r}.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise wrong(unencodable(name, error)) from None
    return value


def unencodable(name: str, error: UnicodeEncodeError) -> str:
    """What to say of text that UTF-8 cannot hold."""
    found = error.object[error.start]
    # How Python keeps a byte of the command line or of a file's name that is not UTF-8.
    what = f"the byte 0x{ord(found) - 0xDC00:02x}" if "\udc80" <= found <= "\udcff" else "half a character"
    return f"{name} holds {what} at position {error.start + 1}, which is not text in UTF-8. Give it in UTF-8."


def repair(value: str) -> str:
    """The text with U+FFFD in place of what UTF-8 cannot hold. For names, which may be changed."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
