"""What a profile keeps of its app, beside the session: a file of mode 0600, `app.json` in its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from huggingchat_agent import files
from huggingchat_agent.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "app.json"


class RememberedApp(msgspec.Struct, frozen=True, kw_only=True):
    """Where the app is, and the other origins at which the profile has signed in to it."""

    base_url: str
    login_origins: tuple[str, ...] = ()


def read_app(folder: Path) -> RememberedApp | None:
    """What the profile in that folder remembers; None where it has never signed in. Raises StorageError."""
    path = folder / _NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=RememberedApp)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except (msgspec.DecodeError, UnicodeDecodeError):
        reason = "it is damaged"
    raise StorageError(f"Cannot read {path}: {reason}. Remove it, and sign in again with --base-url.")


def write_app(folder: Path, app: RememberedApp) -> None:
    """Replace it, whole or not at all. Raises StorageError."""
    path = folder / _NAME
    with files.explain_failure(StorageError, f"Cannot write {path}"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.write(path, msgspec.json.format(msgspec.json.encode(app), indent=1) + b"\n", private=True)
