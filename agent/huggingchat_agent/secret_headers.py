"""Headers for a tool server of the user's own. Printed, they show their names, never their values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from huggingchat_agent import redact
from huggingchat_agent.errors import UsageError
from huggingchat_agent.redact import MASK, Secret

# As the app checks them.
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]+")
# Their values are common words, and no secrets.
_PLAIN = frozenset({"accept", "accept-encoding", "accept-language", "content-type", "user-agent"})


class SecretHeaders(Mapping[str, str]):
    """Headers by name. Each value shows a mask; `reveal()` gives the values to the code that sends them.
    Every text is masked for these values from now on. Raises UsageError for a name or a value that no header
    can have.
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        self._values = {_check_name(name): _check_value(name, value) for name, value in given.items()}
        for name, value in self._values.items():
            if name.lower() not in _PLAIN and value != MASK:
                Secret(value)
                redact.remember(value.partition(" ")[2])  # what stands behind "Bearer"

    def reveal(self) -> dict[str, str]:
        """The values. Raises UsageError for headers that were read back from where they were masked."""
        if MASK in self._values.values():
            raise UsageError(
                "The headers of this tool server are masked. Make the ToolServer again, with them."
            )
        return dict(self._values)

    def __getitem__(self, name: str) -> str:
        return MASK if name in self._values else self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretHeaders) and other._values == self._values

    __hash__ = None  # type: ignore[assignment]  # as for a dict

    def __repr__(self) -> str:
        return repr(dict(self))


def _check_name(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(
            "The name of a header may only have letters, digits, - and _. Give its value separately."
        )
    return name


def _check_value(name: str, value: object) -> str:
    if not isinstance(value, str) or not _VALUE.fullmatch(value) or value != value.strip():
        raise UsageError(
            f"The value of the header {name} must be one line of text, without spaces around it. It is not "
            "shown here, because it may be a secret."
        )
    return value
