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
        self.inner = inner
        self._thread = thread

    @property
    def name(self) -> str:
        """Its name in the app."""
        return self.inner.name

    @property
    def sha(self) -> str:
        """The hash under which the conversation holds it."""
        return self.inner.sha

    @property
    def mime(self) -> str:
        """Its media type, "" if unknown."""
        return self.inner.mime

    def read(self) -> bytes:
        """Its bytes, downloaded through the signed-in browser. Raises the errors of the app."""
        return self._thread.run(self.inner.read())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Download it to a file, or into a folder under its own safe name; returns the path.

        In a folder nothing is replaced (photo.png, photo-2.png); a file path is replaced. The file is
        written whole or not at all. Raises StorageError, and as `read`.
        """
        return self._thread.run(self.inner.save(path))
