"""Files the app names, saved without letting those names choose the place."""

from __future__ import annotations

import contextlib
import mimetypes
import os
import re
import tempfile
from typing import TYPE_CHECKING

from huggingchat_agent.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 120  # characters of a name

# What means something to one file system or another, or to who looks at a list of files.
_UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]+')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def save(data: bytes, where: Path, name: str, mime: str) -> Path:
    """Write to `where`, or under a name made from `name` if that is a folder; returns the path.

    In a folder nothing is replaced: the second photo.png is photo-2.png. A path that is no folder is
    replaced. At any moment the file is there whole or not at all. Raises StorageError.
    """
    try:
        if not where.is_dir():
            _write(data, where, replace=True)
            return where
        fit = safe_name(name, mime)
        stem, suffix = os.path.splitext(fit)
        number = 1
        while True:
            path = where / (fit if number == 1 else f"{stem}-{number}{suffix}")
            with contextlib.suppress(FileExistsError):
                _write(data, path, replace=False)
                return path
            number += 1
    except OSError as error:
        raise StorageError(
            f"Cannot save {str(where)!r}: {error.strerror or type(error).__name__}. Name another place."
        ) from None


def safe_name(name: str, mime: str = "") -> str:
    """A plain file name that is like `name`; with the ending of the media type if it has none."""
    plain = _UNFIT.sub("_", re.split(r"[/\\]", name)[-1]).strip(" .")
    if not plain or _RESERVED.fullmatch(plain):
        plain = f"file_{plain}".rstrip("_")
    stem, suffix = os.path.splitext(plain)
    suffix = suffix or mimetypes.guess_extension(mime.partition(";")[0]) or ""
    return stem[: _LONGEST - len(suffix[:20])] + suffix[:20]


def _write(data: bytes, path: Path, *, replace: bool) -> None:
    descriptor, draft = tempfile.mkstemp(prefix=".saving-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(draft, 0o666 & ~_umask())  # mkstemp makes it for us alone
        if replace:
            os.replace(draft, path)
        else:
            os.link(draft, path)  # fails where there is one already
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
