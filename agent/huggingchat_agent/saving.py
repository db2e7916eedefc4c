"""Saves files that the app names. The name cannot choose the folder."""

from __future__ import annotations

import contextlib
import mimetypes
import os
import re
from typing import TYPE_CHECKING

from huggingchat_agent import files
from huggingchat_agent.errors import StorageError
from huggingchat_agent.printable import blank_marks
from huggingchat_agent.user_text import repair

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 200  # bytes of a name in UTF-8; disks take 255, and a number or a draft's ending comes on top

# Characters with a meaning for some file system, or for the reader of a file list.
_UNFIT = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029/\\:*?"<>|]+')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|con(in|out)\$|(com|lpt)[\d¹²³]) *(\..*)?", re.ASCII)


def save(data: bytes, where: Path, name: str, mime: str) -> Path:
    """Write to `where`, or under a name made from `name` if that is a folder; returns the path.

    In a folder it replaces nothing: the second photo.png is photo-2.png. At the path of a file it replaces
    that file. It is written whole or not at all. Raises StorageError.
    """
    try:
        if not where.is_dir():
            files.write(where, data)
            return where
        fit = make_safe_name(name, mime)
        stem, suffix = os.path.splitext(fit)
        number = 1
        while True:
            path = where / (fit if number == 1 else f"{stem}-{number}{suffix}")
            with contextlib.suppress(FileExistsError):
                files.write(path, data, replace=False)
                return path
            number += 1
    except (OSError, ValueError) as error:  # ValueError: no path can have these characters
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise StorageError(
            f"Cannot save {str(where)!r}: {reason or type(error).__name__}. Name another place."
        ) from None


def make_safe_name(name: str, mime: str = "") -> str:
    """A plain file name that is like `name`; with the ending of the media type if it has none."""
    plain = _UNFIT.sub("_", re.split(r"[/\\]", blank_marks(repair(name)))[-1]).strip().strip(" .")
    if not plain or _RESERVED.fullmatch(plain):
        plain = f"file_{plain}".rstrip("_")
    stem, suffix = os.path.splitext(plain)
    suffix = suffix or mimetypes.guess_extension(mime.partition(";")[0]) or ""
    suffix = files.shorten(suffix, 20)
    return f"{files.shorten(stem, _LONGEST - len(suffix.encode()))}{suffix}".rstrip(" .")
