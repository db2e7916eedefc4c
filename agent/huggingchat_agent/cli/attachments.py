"""Files that go with a message, and files that come with an answer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from huggingchat_agent.answer import Answer
from huggingchat_agent.browser.protocols import Upload
from huggingchat_agent.chat import uploads
from huggingchat_agent.cli import console
from huggingchat_agent.errors import StorageError
from huggingchat_agent.sync import Conversation

Files = Annotated[
    list[Path] | None,
    typer.Option("--file", "-f", metavar="PATH", help="Send this file along; may be given several times."),
]
SaveFiles = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Save the files that come with an answer here; nothing is replaced."),
]
ShowReasoning = Annotated[
    bool,
    typer.Option(
        "--show-reasoning", help="Print the model's reasoning to stderr where that is no terminal too."
    ),
]


def given(paths: Sequence[Path] | None) -> tuple[Upload, ...]:
    """The files named; FileRejected before a browser is started for nothing."""
    return uploads.read(paths or ())


def folder(path: Path | None) -> Path | None:
    """The folder to save to, made if need be."""
    if path is not None:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"--save-files: {str(path)!r} is no folder to save to: {error.strerror}. Name another one."
            ) from None
    return path


def keep(talk: Conversation, answer: Answer, where: Path | None) -> None:
    """Save what came with the answer, the pictures in the outputs of tools too."""
    if where is None:
        return
    for file in (*answer.files, *(file for tool in answer.tools for file in tool.files)):
        console.note(f"Saved {talk.file(file).save(where)}")
