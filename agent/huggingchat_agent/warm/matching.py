"""Whether a command can use the browser of a warm session: do their settings agree?"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.redact import Secret
from huggingchat_agent.settings import read_fields

if TYPE_CHECKING:
    from huggingchat_agent.settings import Settings

# Settings of each command alone, or of the socket's path.
_OWN = {"home", "profile", "profile_in_use", "via", "deadlines", "record", "replay", "faults"}
# Only for signing in. The warm session is signed in.
_SIGN_IN = {"username", "password", "totp_secret", "person_timeout", "login_timeout", "insecure"}
_SIGN_IN |= {"login_origins", "use_credentials"}
# Only for a faster start. The warm session's browser runs already.
_START = {"skip_pictures"}

COMPARED = tuple(name for name in read_fields() if name not in _OWN | _SIGN_IN | _START)


def make_fingerprints(settings: Settings) -> dict[str, str]:
    """The settings to compare, each as a hash: some hold passwords."""
    values = {name: getattr(settings, name) for name in COMPARED}
    return {name: hashlib.sha256(_encode(value)).hexdigest()[:32] for name, value in values.items()}


def find_obstacles(settings: Settings) -> list[str]:
    """The settings that exclude a warm session."""
    found = [
        name for name in ("record", "replay", "connect", "user_data_dir", "bind") if getattr(settings, name)
    ]
    if not settings.headless:
        found.append("headless")
    return found


def describe(names: list[str]) -> str:
    """Settings by their names at the command line."""
    shown = [_NAMES.get(name) or read_fields()[name][1].name_option(name) for name in names]
    return ", ".join(shown)


_NAMES = {"record": "--record"}


def _encode(value: Any) -> bytes:
    return msgspec.json.encode(value, enc_hook=_reveal)


def _reveal(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    return str(value) if not hasattr(value, "keys") else dict(value)
