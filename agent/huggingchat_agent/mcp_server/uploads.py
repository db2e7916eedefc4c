"""Files that a client has uploaded, kept until a message takes them."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import uuid
from pathlib import Path

from huggingchat_agent.browser.protocols import Upload
from huggingchat_agent.errors import UsageError
from huggingchat_agent.files import explain_failure

LARGEST = 10 * 1024 * 1024  # bytes of a file
MOST = 20  # files that wait


class Uploads:
    """By id. A path is read only below one of `folders`: the model of the client chooses it."""

    def __init__(self, folders: tuple[Path, ...] = ()) -> None:
        self._folders = tuple(each.resolve() for each in folders)
        self._files: dict[str, Upload] = {}

    def add(self, name: str, text: str | None, data: str | None, path: str | None) -> str:
        """Keep a file. Returns its id. Raises UsageError."""
        if sum(each is not None for each in (text, data, path)) != 1:
            raise UsageError("Give the file as text, as base64, or as a path: one of them.")
        if len(self._files) >= MOST:
            raise UsageError(
                f"{MOST} files wait already. Send them first, with the argument `files` of `ask`."
            )
        if path is not None:
            content = self._read(path)
            name = name or Path(path).name
        else:
            content = _decode(data) if data is not None else (text or "").encode()
        if len(content) > LARGEST:
            raise UsageError(f"A file has at most {LARGEST // 1024**2} MiB.")
        if not name:
            raise UsageError("Give the file a name.")
        mime = mimetypes.guess_type(name)[0] or ("text/plain" if text is not None else "")
        file_id = f"file_{uuid.uuid4().hex[:12]}"
        self._files[file_id] = Upload(name, mime or "application/octet-stream", content)
        return file_id

    def take(self, ids: list[str]) -> list[Upload]:
        """Return the files with these ids, and forget them. Raises UsageError."""
        unknown = [each for each in ids if each not in self._files]
        if unknown:
            raise UsageError(f"There is no file {unknown[0][:40]!r}. `upload_file` returns ids.")
        return [self._files.pop(each) for each in dict.fromkeys(ids)]

    def _read(self, path: str) -> bytes:
        wanted = Path(path).resolve()
        if not any(wanted.is_relative_to(each) for each in self._folders):
            raise UsageError("Files are read only from the folders that --folder names.")
        with explain_failure(UsageError, f"Cannot read {path!r}"):
            if wanted.stat().st_size > LARGEST:
                raise UsageError(f"A file has at most {LARGEST // 1024**2} MiB.")
            return wanted.read_bytes()


def _decode(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise UsageError("The base64 of the file cannot be decoded.") from None
