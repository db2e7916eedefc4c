"""The key that clients must send. The state folder holds its hash, never the key."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from huggingchat_agent.errors import StorageError
from huggingchat_agent.files import explain_failure
from huggingchat_agent.state.storage import write_private

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "hc-"


class Key:
    """A key by its hash."""

    def __init__(self, hashed: str) -> None:
        self.hashed = hashed

    def __repr__(self) -> str:
        return "<Key>"

    def fits(self, given: str) -> bool:
        """Whether a client gave this key. It takes the same time for each wrong one."""
        return hmac.compare_digest(hash_key(given), self.hashed)


def hash_key(key: str) -> str:
    """The SHA-256 of a key, in hexadecimal."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def load_key(folder: Path, *, new: bool = False) -> tuple[Key, str | None]:
    """The key of a profile, and its text if it was made now: the first time, or if `new`. Raises
    StorageError.
    """
    path = folder / "serve.key"
    try:
        hashed = "" if new else path.read_text().strip()
    except FileNotFoundError:
        hashed = ""
    except (OSError, ValueError) as error:
        raise StorageError(f"Cannot read {path}: {error}. Make another key with --new-key.") from None
    if len(hashed) == 64:
        return Key(hashed), None
    text = PREFIX + secrets.token_urlsafe(32)
    with explain_failure(StorageError, f"Cannot make {folder}"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(path, hash_key(text).encode())
    return Key(hash_key(text)), text
