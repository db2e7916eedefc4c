"""Writes files whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from huggingchat_agent.errors import AgentError

# What a file system without hard links says, such as FAT.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)

_LONGEST = 100  # bytes of a file's name that the name of its draft keeps


@contextmanager
def explain_failure(kind: type[AgentError], what: str, advice: str = "") -> Iterator[None]:
    """Raise `kind` in place of an OSError: what failed, the system's reason, and then the advice."""
    try:
        yield
    except OSError as error:
        raise kind(f"{what}: {error.strerror or type(error).__name__}. {advice}".rstrip()) from None


@contextmanager
def write_draft(path: Path, data: bytes, *, private: bool = False) -> Iterator[str]:
    """A file with these bytes on the disk, beside its final place.

    Only its owner can read a `private` one. It is removed at the end of the block if it is still there.
    """
    descriptor, name = tempfile.mkstemp(
        prefix=f".{shorten(path.name, _LONGEST)}.", suffix=".part", dir=path.absolute().parent
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if not private:
            os.chmod(name, 0o666 & ~_read_umask())  # mkstemp makes it for its owner alone
        yield name
    finally:
        _remove(name)


def write(path: Path, data: bytes, *, private: bool = False, replace: bool = True) -> None:
    """Write a file. If this raises OSError, the old file is unchanged.

    A link at its place stays, and the file that it leads to is written. A device or a pipe (/dev/stdout) gets
    the bytes. Without `replace`, raises FileExistsError if the name is taken.
    """
    if replace and path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    path = Path(os.path.realpath(path)) if replace else path
    with write_draft(path, data, private=private) as name:
        if replace:
            os.replace(name, path)
        else:
            _give_name(name, path)


def _give_name(draft: str, path: Path) -> None:
    """Give the draft its name, if nothing has it. Raises FileExistsError."""
    try:
        os.link(draft, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        path.touch(exist_ok=False)
        os.replace(draft, path)


def write_all(files: Mapping[Path, bytes], *, private: bool = False) -> None:
    """Write several new files, or none if one of them fails. Raises OSError."""
    with ExitStack() as drafts:
        names = {
            path: drafts.enter_context(write_draft(path, data, private=private))
            for path, data in files.items()
        }
        try:
            for path, name in names.items():
                os.replace(name, path)
        except BaseException:
            _remove(*files)
            raise


def shorten(name: str, limit: int) -> str:
    """The beginning of a name, at most that many bytes in UTF-8, without half a character."""
    return os.fsencode(name)[:limit].decode(errors="ignore")


def _remove(*paths: str | Path) -> None:
    for path in paths:
        with suppress(OSError):
            os.unlink(path)


def _read_umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
