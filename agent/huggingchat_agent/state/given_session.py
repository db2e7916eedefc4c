"""A session in a setting, such as a CI secret: a storage state as JSON, plain or in base64."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import msgspec

from huggingchat_agent import redact
from huggingchat_agent.errors import CookiesUnreadable, SettingsError
from huggingchat_agent.redact import Secret
from huggingchat_agent.state import cookies

_MAKE_IT = "Give a Playwright storage state as JSON or base64. `huggingchat cookies export FILE` writes one."


def parse_session(name: str, value: Any) -> Secret:
    """The state as JSON text. Raises SettingsError, which shows nothing of the value."""
    if isinstance(value, Mapping):
        text = msgspec.json.encode(dict(value), enc_hook=str).decode()
    elif isinstance(value, str):
        redact.remember(value.strip())
        text = _decode(name, value.strip())
    else:
        raise SettingsError(f"{name} must be text or a mapping. {_MAKE_IT}")
    try:
        state = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise SettingsError(f"{name} holds no valid JSON. {_MAKE_IT}") from None
    if not isinstance(state, dict) or not isinstance(state.get("cookies"), list) or not state["cookies"]:
        raise SettingsError(f"{name} holds no storage state with cookies. {_MAKE_IT}")
    redact.remember_cookies(state)
    try:
        cookies.read_state(state)
    except CookiesUnreadable as error:
        raise SettingsError(f"{name} is damaged: {error.message}") from None
    return Secret(text)


def load_session(session: Secret) -> dict[str, Any]:
    """The storage state of a parsed setting, without cookies that have expired."""
    return cookies.read_state(msgspec.json.decode(session.reveal()))


def _decode(name: str, value: str) -> str:
    if value.startswith(("{", "[")):
        return value
    try:
        return base64.b64decode("".join(value.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        raise SettingsError(f"{name} is neither JSON nor base64. {_MAKE_IT}") from None
