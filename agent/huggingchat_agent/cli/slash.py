"""Commands for `chat` itself, not for the model: lines that begin with a slash."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from huggingchat_agent.cli import attachments, console, documents
from huggingchat_agent.cli.terminal import to_one_line
from huggingchat_agent.cli.transcript import make_listing
from huggingchat_agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.browser.protocols import Upload
    from huggingchat_agent.cli.warm import Answering, App, Talk

LISTED = 20

_COMMAND = re.compile(r"/([A-Za-z]+)(?:\s+(.*))?", re.DOTALL)

HELP = {
    "/model [MODEL]": "let another model answer from now on; without a name, list the models",
    "/retry": "have the last answer written again",
    "/edit TEXT": "replace your last message, on a branch of its own",
    "/file PATH": "send a file with the next message",
    "/attach URL": "have the app fetch an https address, and send the file with the next message",
    "/voice FILE": "have the app write down a recording, and send its words",
    "/new": "start another conversation",
    "/list": "list the conversations changed last",
    "/export [FILE]": "write this conversation as Markdown, or as JSON to a file that ends in .json",
    "/url": "print the address of this conversation",
    "/help": "print this list",
    "/quit": "end the chat; so does Ctrl-D",
}
_KEYS = (
    "Enter sends; Alt-Enter, or a backslash at the end, begins a new line. Tab completes, Ctrl-R searches. "
    "Ctrl-C stops an answer; twice ends the chat. // at the beginning sends a line that begins with a slash."
)


class Commands:
    """The current conversation, and the commands for it. `files` go with the next message."""

    def __init__(
        self, chat: App, talk: Talk, new: Callable[[], Talk], files: tuple[Upload, ...] = ()
    ) -> None:
        self.talk = talk
        self.files = files
        self._chat = chat
        self._start = new

    def run(self, line: str) -> Answering | str | None:
        """Run a command. Raises UsageError for an unknown one.

        Returns the reply if the model answers, or a text that is to be sent.
        """
        match = _COMMAND.fullmatch(line)
        name = match[1].lower() if match else ""
        known = f"/{name}" in {each.split()[0] for each in HELP}
        action = getattr(self, f"_{name}", None) if known else None
        if match is None or action is None:
            raise UsageError(
                f"There is no command {line.split()[0]}. /help lists them; // sends the line to the model."
            )
        reply: Answering | str | None = action((match[2] or "").strip())
        return reply

    def _help(self, rest: str) -> None:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(style="cyan", no_wrap=True)
        for name, meaning in HELP.items():
            table.add_row(Text(name), meaning)
        console.out.print(table, soft_wrap=False)
        console.out.print(Text(_KEYS, style="dim"))

    def _url(self, rest: str) -> None:
        console.report(self.talk.url)

    def _model(self, rest: str) -> None:
        if rest:
            self.talk.change_model(rest)
            console.note(f"{self.talk.model} answers from now on.")
            return
        current = self.talk.model or self.talk.read().model
        for model in self._chat.models():
            mark = "*" if model.id == current else " "
            console.out.print(
                Text(f"{mark} {to_one_line(model.id)}", style="bold" if model.id == current else "")
            )

    def _retry(self, rest: str) -> Answering:
        return self.talk.retry()

    def _edit(self, rest: str) -> Answering:
        if not rest:
            raise UsageError("Give the text that replaces your last message: /edit TEXT.")
        messages = [each.id for each in self.talk.messages() if each.author == "user"]
        if not messages:
            raise UsageError("There is no message to edit yet.")
        return self.talk.edit(messages[-1], rest)

    def _file(self, rest: str) -> None:
        if rest:
            self.files += attachments.read_files([Path(rest).expanduser()])
        self._tell_files()

    def _attach(self, rest: str) -> None:
        if rest:
            self.files += attachments.fetch_files(self._chat, [rest])
        self._tell_files()

    def _tell_files(self) -> None:
        names = ", ".join(file.name for file in self.files) or "none"
        console.note(f"Files for the next message: {names}.")

    def _voice(self, rest: str) -> str:
        recording = attachments.read_voice(Path(rest).expanduser()) if rest else None
        if recording is None:
            raise UsageError("Give the recording: /voice FILE.")
        return attachments.transcribe(self._chat, recording)

    def _new(self, rest: str) -> None:
        self.talk, self.files = self._start(), ()
        console.note(f"Started a conversation with {self.talk.model}.")

    def _list(self, rest: str) -> None:
        found = list(itertools.islice(self._chat.conversations(), LISTED))
        console.out.print(make_listing(found, console.out.width), soft_wrap=False)

    def _export(self, rest: str) -> None:
        path = Path(rest).expanduser() if rest else None
        documents.check_writable(path, advice="Give another name.")
        text = self.talk.export("json" if path is not None and path.suffix == ".json" else "markdown")
        documents.write(text, path)
