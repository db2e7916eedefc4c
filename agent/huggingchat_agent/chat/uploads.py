"""Files that go with a message: read once, and refused before anything is sent."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from huggingchat_agent.browser.protocols import Upload
from huggingchat_agent.errors import FileRejected, UsageError
from huggingchat_agent.files import explain_failure
from huggingchat_agent.user_text import repair, require_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from huggingchat_agent.wire.models import Model

LIMIT = 10 * 1024 * 1024  # bytes of one file, as the app has it

# What the app takes for every model, and the pictures it takes where a model does not list them.
_TEXT = ("text/*", "application/json", "application/xml", "application/csv")
_PICTURES = ("image/jpeg", "image/png")

# The type of pasted text. The app makes a file of it.
PASTED = "application/vnd.chatui.clipboard"

_TYPES = mimetypes.MimeTypes()  # not what this machine has in its own lists
_TYPES.add_type("text/markdown", ".md")  # unknown to Python before 3.13


class Readable(Protocol):
    """An open file."""

    def read(self, size: int = ..., /) -> bytes | str: ...


Given: TypeAlias = "str | os.PathLike[str] | tuple[str, bytes] | tuple[str, bytes, str] | Upload | Readable"
"""A path; a name with the bytes, and perhaps the media type; or an open file that has a name. An `Upload`
that was read before works too."""


def read(files: Sequence[Given], limit: int = LIMIT) -> tuple[Upload, ...]:
    """The files as they are now, of at most `limit` bytes each.

    Raises FileRejected for one that is missing, empty or too large.
    """
    if isinstance(files, str | bytes | os.PathLike):
        raise UsageError("`files` is a list, also for a single file: files=[...].")
    if not isinstance(files, Iterable):
        raise UsageError(f"`files` is a list, not {files!r}.")
    return tuple(_read(each, limit) for each in files)


def check(uploads: Sequence[Upload], model: Model) -> None:
    """Raise FileRejected for a file of a type that the model does not take."""
    accepted = [*_TEXT]
    if model.multimodal:
        accepted += model.multimodal_accepted_mimetypes or _PICTURES
    for upload in uploads:
        if not any(_fits(upload.mime, each) for each in (*accepted, PASTED)):
            raise FileRejected(
                f"{model.id} does not take {upload.name!r}, which is {upload.mime}; it takes "
                f"{', '.join(accepted)}. Choose another model, or another form of the file."
            )


def as_pasted(uploads: Sequence[Upload]) -> tuple[Upload, ...]:
    """The files, with text files as pasted text: older apps give a model no other text."""
    return tuple(
        each._replace(mime=PASTED) if any(_fits(each.mime, text) for text in _TEXT) else each
        for each in uploads
    )


def _read(given: Given, limit: int) -> Upload:
    if isinstance(given, Upload):
        return _check(given.name, given.data, given.mime, limit=limit)
    if isinstance(given, tuple):
        match given:
            case (str(name), bytes() | bytearray() | memoryview() as data, *mime) if len(mime) < 2:
                return _check(name, bytes(data), *(str(each) for each in mime), limit=limit)
        raise UsageError("A file given as a tuple is (name, bytes) or (name, bytes, media type).")
    if isinstance(given, str | os.PathLike):
        return _from_path(require_path("The path of a file", given, wrong=FileRejected), limit)
    name = os.path.basename(str(getattr(given, "name", "")))
    if not hasattr(given, "read") or not name:
        raise UsageError(
            f"Give a file as a path, as (name, bytes), or as an open file that has a name; not as "
            f"{type(given).__name__}."
        )
    return _check(name, _read_content(given, limit), limit=limit)


def _read_content(file: Readable, limit: int) -> bytes:
    """The rest of an open file, cut one byte above the limit."""
    content = b""
    while len(content) <= limit and (more := file.read(limit + 1 - len(content))):
        content += more.encode() if isinstance(more, str) else more
    return content


def _from_path(path: Path, limit: int) -> Upload:
    with explain_failure(FileRejected, f"The file {str(path)!r} cannot be read", "Check its path."):
        if path.is_dir():
            raise FileRejected(f"{str(path)!r} is a folder. Give the files in it one by one.")
        size = path.stat().st_size
        if size > limit:
            raise _make_size_error(str(path), f"{size:,} bytes", limit)
        with path.open("rb") as file:  # the size says nothing of a device or a pipe
            return _check(path.name, _read_content(file, limit), shown=str(path), limit=limit)


def _check(name: str, data: bytes, mime: str = "", *, shown: str = "", limit: int) -> Upload:
    if not data:
        raise FileRejected(f"The file {shown or name!r} is empty; the app ignores such a file.")
    if len(data) > limit:
        raise _make_size_error(shown or name, "more than that", limit)
    return Upload(repair(name), mime or _guess(name, data), data)


def _make_size_error(name: str, size: str, limit: int) -> FileRejected:
    most = f"{limit:,} bytes ({limit >> 20} MiB)"
    return FileRejected(f"The file {name!r} is too large: the app takes {most} a file, and this is {size}.")


def _guess(name: str, data: bytes) -> str:
    """The media type by the name. A file that holds text is text, even if its ending has another meaning."""
    mime, packed = _TYPES.guess_type(name)
    if packed:
        return f"application/{'gzip' if packed == 'gzip' else 'x-' + packed}"
    if mime is None or not (mime.startswith("image/") or any(_fits(mime, each) for each in _TEXT)):
        try:
            text = b"\0" not in data and data.decode()
        except UnicodeDecodeError:
            text = False
        if text:
            return "text/plain"
    return mime or "application/octet-stream"


def _fits(mime: str, pattern: str) -> bool:
    kind = mime.partition(";")[0].strip().lower()
    wanted = pattern.lower()
    return kind == wanted or (wanted.endswith("/*") and kind.startswith(wanted[:-1])) or wanted == "*/*"
