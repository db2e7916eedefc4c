"""JSON as JavaScript writes it."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from huggingchat_agent.user_text import repair


def load(data: bytes | str) -> Any:
    """Decode one JSON text. Raises ValueError.

    JavaScript can cut a string between the two halves of a character, and writes the half as an escape.
    Python cannot encode that: the half becomes U+FFFD.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = data if isinstance(data, str) else data.decode("utf-8", "replace")
    except RecursionError:
        raise ValueError("JSON is nested too deeply.") from None
    try:
        return _mend(json.loads(text))
    except RecursionError:
        raise ValueError("JSON is nested too deeply.") from None


def load_if_json(data: bytes | str) -> Any:
    """As `load`; None for a text that is not JSON."""
    try:
        return load(data)
    except ValueError:
        return None


def _mend(value: Any) -> Any:
    if isinstance(value, str):
        return repair(value)
    if isinstance(value, list):
        return [_mend(item) for item in value]
    if isinstance(value, dict):
        return {_mend(key): _mend(item) for key, item in value.items()}
    return value
