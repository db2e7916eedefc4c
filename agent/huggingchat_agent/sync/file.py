"""A file the app holds, without async."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from huggingchat_agent import answer
    from huggingchat_agent.sync.thread import LoopThread


class File:
    """Made by `Conversation.file`. `inner` is the file as answers and events hold it: a value whose own
    `read` and `save` are async.
    """

    def __init__(self, inner: answer.File, thread: LoopThread) -> None:
        self._inner = inner
        self._thread = thread

    @property
    def name(self) -> str:
        """Its name in the app."""
        return self._inner.name

    @property
    def sha(self) -> str:
        """The hash under which the conversation holds it."""
        return self._inner.sha

    @property
    def mime(self) -> str:
        """Its media type, "" if unknown."""
        return self._inner.mime

    def read(self) -> bytes:
        """Its bytes, downloaded through the signed-in browser.

        Raises UsageError for a file that cannot be read (from JSON or a tape), GenerationFailed if the app
        does not have it, SiteError if it is larger than 256 MiB, and the other errors of the app.
        """
        return self._thread.run(self._inner.read())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Download it to a file, or into a folder under its own name, cleaned. Returns its path.

        In a folder it replaces nothing (photo.png, photo-2.png). At the path of a file it replaces that file.
        It is written whole or not at all. Raises StorageError, and as `read`.
        """
        return self._thread.run(self._inner.save(path))
