"""What can be said to `chat` itself instead of to the model: lines that begin with a slash."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from huggingchat_agent.cli import attachments, console, documents
from huggingchat_agent.cli.transcript import listing
from huggingchat_agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.browser.protocols import Upload
    from huggingchat_agent.sync import Conversation, HuggingChat, Reply

LISTED = 20

_COMMAND = re.compile(r"/([A-Za-z]+)(?:\s+(.*))?", re.DOTALL)

HELP = {
    "/model [MODEL]": "have another model answer from now on; without a name, list them",
    "/retry": "have the last answer made anew",
    "/edit TEXT": "say this in the place of the last message, on a branch of its own",
    "/file PATH": "send a file with the next message",
    "/new": "start another conversation",
    "/list": "the conversations changed last",
    "/export [FILE]": "write this conversation as Markdown, or JSON to a file that ends in .json",
    "/url": "the address of this conversation",
    "/help": "this",
    "/quit": "end; so does Ctrl-D",
}


class Commands:
    """The conversation that is talked in, and what to do with it. `files` go with the next message."""

    def __init__(
        self,
        chat: HuggingChat,
        talk: Conversation,
        new: Callable[[], Conversation],
        files: tuple[Upload, ...] = (),
    ) -> None:
        self.talk = talk
        self.files = files
        self._chat = chat
        self._start = new

    def run(self, said: str) -> Reply | None:
        """Do it; the reply, if it has the model answer. Raises UsageError for what is no command."""
        match = _COMMAND.fullmatch(said)
        name = match[1].lower() if match else ""
        known = f"/{name}" in {each.split()[0] for each in HELP}
        action = getattr(self, f"_{name}", None) if known else None
        if match is None or action is None:
            raise UsageError(
                f"There is no {said.split()[0]}. /help lists what there is; // says it to the model."
            )
        reply: Reply | None = action((match[2] or "").strip())
        return reply

    def _help(self, rest: str) -> None:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(style="cyan", no_wrap=True)
        for name, meaning in HELP.items():
            table.add_row(Text(name), meaning)
        console.out.print(table, soft_wrap=False)
        console.out.print(Text("Ctrl-C stops an answer; twice ends.", style="dim"))

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
            console.out.print(Text(f"{mark} {model.id}", style="bold" if model.id == current else ""))

    def _retry(self, rest: str) -> Reply:
        return self.talk.retry()

    def _edit(self, rest: str) -> Reply:
        if not rest:
            raise UsageError("Say what to put in the place of your last message: /edit TEXT.")
        said = [each.id for each in self.talk.messages() if each.author == "user"]
        if not said:
            raise UsageError("There is no message to edit yet.")
        return self.talk.edit(said[-1], rest)

    def _file(self, rest: str) -> None:
        if rest:
            self.files += attachments.given([Path(rest).expanduser()])
        names = ", ".join(file.name for file in self.files) or "nothing"
        console.note(f"With the next message goes: {names}.")

    def _new(self, rest: str) -> None:
        self.talk, self.files = self._start(), ()
        console.note(f"A new conversation with {self.talk.model}.")

    def _list(self, rest: str) -> None:
        found = list(itertools.islice(self._chat.conversations(), LISTED))
        console.out.print(listing(found, console.out.width), soft_wrap=False)

    def _export(self, rest: str) -> None:
        path = Path(rest).expanduser() if rest else None
        documents.check_writable(path, instead="Give another name.")
        text = self.talk.export("json" if path is not None and path.suffix == ".json" else "markdown")
        documents.write(text, path)
