"""Artifacts: pages, drawings, documents and programs that a model wrote for the app's side panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from huggingchat_agent import saving
from huggingchat_agent.errors import UsageError
from huggingchat_agent.user_text import require_path

if TYPE_CHECKING:
    import os
    from pathlib import Path

Type = Literal["html", "svg", "react", "mermaid", "markdown", "code"]

# The ending of a file, by type, and of "code" by its language.
_ENDINGS = {"html": "html", "svg": "svg", "react": "jsx", "mermaid": "mmd", "markdown": "md"}
_LANGUAGES = {
    **{"python": "py", "javascript": "js", "typescript": "ts", "rust": "rs", "ruby": "rb", "kotlin": "kt"},
    **{"c++": "cpp", "csharp": "cs", "bash": "sh", "shell": "sh"},
    **{
        name: name
        for name in ("java", "c", "cpp", "go", "php", "swift", "sql", "json", "yaml", "css", "scss")
    },
    "html": "html",
}


class ArtifactVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version, by the answer `message_id`. `number` counts from 1.

    An "update" replaces parts of the version before. `failed` counts its parts that were not found there, and
    so changed nothing. `complete` is false if the answer ended before the artifact did.
    """

    number: int
    operation: Literal["create", "rewrite", "update"]
    type: Type
    title: str
    content: str
    language: str = ""
    message_id: str = ""
    complete: bool = True
    failed: int = 0


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact with its versions, the oldest first. The properties describe the last version."""

    identifier: str
    versions: list[ArtifactVersion]

    @property
    def last(self) -> ArtifactVersion:
        """The last version."""
        return self.versions[-1]

    @property
    def type(self) -> Type:
        """What it is."""
        return self.last.type

    @property
    def title(self) -> str:
        """Its title for people."""
        return self.last.title

    @property
    def content(self) -> str:
        """Its text."""
        return self.last.content

    @property
    def name(self) -> str:
        """The name of its file, as the app's page chooses it. A model wrote it: clean it, as `save` does."""
        ending = _ENDINGS.get(self.type) or _LANGUAGES.get(self.last.language.lower(), "txt")
        return f"{self.identifier}.{ending}"

    def version(self, number: int) -> ArtifactVersion:
        """The version of that number. Raises UsageError."""
        if not 1 <= number <= len(self.versions):
            raise UsageError(
                f"Artifact {self.identifier[:80]!r} has no version {number}, only 1 to {len(self.versions)}."
            )
        return self.versions[number - 1]

    def save(self, path: str | os.PathLike[str], *, version: int | None = None) -> Path:
        """Write it to a file, or into a folder under its own name, cleaned. Returns its path.

        In a folder it replaces nothing (page.html, page-2.html). At the path of a file it replaces that file.
        It is written whole or not at all. Raises StorageError, and UsageError for a version it does not have.
        """
        place = require_path("path", path)
        chosen = self.last if version is None else self.version(version)
        data = chosen.content.encode("utf-8", "replace")
        return saving.save(data, place, self.name, "text/plain")
