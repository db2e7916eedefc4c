"""Files that go with a message, and files that come with an answer."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huggingchat_agent.chat import uploads
from huggingchat_agent.cli import console
from huggingchat_agent.cli.terminal import to_one_line
from huggingchat_agent.errors import FileRejected, StorageError
from huggingchat_agent.files import explain_failure

if TYPE_CHECKING:
    from huggingchat_agent.answer import Answer
    from huggingchat_agent.artifact import Artifact
    from huggingchat_agent.browser.protocols import Upload
    from huggingchat_agent.cli.warm import App, Talk

Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--file", "-f", metavar="PATH", help="Send this file with the message. Can be given several times."
    ),
]
Attach = Annotated[
    list[str] | None,
    typer.Option(
        "--attach",
        metavar="URL",
        help="Have the app fetch this https address, and send the file with the message. Can be "
        "given several times.",
    ),
]
Voice = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Have the app transcribe this recording (webm, ogg, wav, flac, mp3, mp4), and send the text, "
        "after PROMPT if there is one.",
    ),
]
SaveFiles = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Save the files that come with an answer in this folder. No file is replaced."
    ),
]
SaveArtifacts = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Save the artifacts that an answer makes or changes in this folder: pages, drawings, "
        "documents, programs. No file is replaced.",
    ),
]
ShowReasoning = Annotated[
    bool,
    typer.Option(
        "--show-reasoning", help="Print the model's reasoning to stderr. A terminal shows it without this."
    ),
]


def read_files(paths: Sequence[Path] | None) -> "tuple[Upload, ...]":
    """Read the files to send. Raises FileRejected, before a browser starts for nothing."""
    return uploads.read(paths or ())


def fetch_files(chat: "App", urls: Sequence[str] | None) -> "tuple[Upload, ...]":
    """Have the app fetch these."""
    if not urls:
        return ()
    with console.show_progress("Fetching"):
        return tuple(chat.fetch_file(each) for each in urls)


def read_voice(path: Path | None) -> "Upload | None":
    """Read a recording. Raises FileRejected, before a browser starts for nothing."""
    if path is None:
        return None
    from huggingchat_agent.chat.inputs import LONGEST_AUDIO  # few commands need it

    return uploads.read([path], LONGEST_AUDIO)[0]


def transcribe(chat: "App", recording: "Upload") -> str:
    """The words of a recording. Raises FileRejected if it has none."""
    with console.show_progress("Listening"):
        text = chat.transcribe(recording)
    if not text.strip():
        raise FileRejected(f"The app heard no words in {recording.name!r}.")
    console.note(f"Heard: {to_one_line(text)}")
    return text


def make_folder(path: Path | None, option: str = "--save-files") -> Path | None:
    """Make the folder that an option names, unless it exists. Raises StorageError."""
    if path is not None:
        what = f"{option}: {str(path)!r} cannot be made a folder"
        with explain_failure(StorageError, what, "Name another one."):
            path.mkdir(parents=True, exist_ok=True)
    return path


def save_files(talk: "Talk", answer: "Answer", where: Path | None) -> None:
    """Save the files that came with the answer, and the pictures in the outputs of tools."""
    if where is None:
        return
    for file in (*answer.files, *(file for tool in answer.tools for file in tool.files)):
        console.note(f"Saved {talk.file(file).save(where)}")


def save_artifacts(artifacts: "Iterable[Artifact]", where: Path | None) -> None:
    """Save the last version of each."""
    if where is None:
        return
    for each in artifacts:
        console.note(f"Saved {each.save(where)}")
        if each.last.failed:
            console.warn(
                f"{each.last.failed} changes of the last version did not apply: their old text was not found."
            )
