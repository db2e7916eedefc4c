"""`chat`: a conversation at the terminal."""

import re
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from rich.text import Text

from huggingchat_agent import redact
from huggingchat_agent.cli import attachments, console, error_output, keyboard
from huggingchat_agent.cli.commands.ask import (
    Continue,
    HowToSend,
    Last,
    Model,
    Plain,
    System,
    Temporary,
    check_start,
    choose_conversation,
    open_conversation,
)
from huggingchat_agent.cli.commands.tools import NoTools, OwnServer, OwnServers, Tool, WebSearch, choose_tools
from huggingchat_agent.cli.interrupts import Interrupts, watch_interrupts
from huggingchat_agent.cli.opening import open_signed_in
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.show import show
from huggingchat_agent.cli.slash import HELP, Commands
from huggingchat_agent.cli.taping import Full, Hide, HideUsername, RecordTo, make_record
from huggingchat_agent.errors import BrowserError, ChatError, StorageError, UsageError

if TYPE_CHECKING:
    from huggingchat_agent.cli.warm import Answering, Talk

PROMPT = "› "

_HELP = "/help lists the commands. Ctrl-C stops an answer. /quit or Ctrl-D ends the chat."


def chat(
    options: Options,
    model: Model = None,
    system: System = None,
    conversation: Continue = None,
    last: Last = False,
    via: HowToSend = None,
    temporary: Temporary = False,
    record: RecordTo = None,
    full: Full = False,
    hide: Hide = None,
    hide_username: HideUsername = False,
    tool: Tool = None,
    no_tools: NoTools = False,
    web_search: WebSearch = False,
    tool_server: OwnServer = None,
    tool_servers: OwnServers = None,
    file: attachments.Files = None,
    attach: attachments.Attach = None,
    save_files: attachments.SaveFiles = None,
    save_artifacts: attachments.SaveArtifacts = None,
    show_reasoning: attachments.ShowReasoning = False,
    plain: Plain = False,
) -> None:
    """Talk at the terminal, in one conversation.

    Enter sends a message. Alt-Enter, or a backslash at the end, begins a new line; a paste is part of one
    message. The arrow keys and Ctrl-R search what you typed before, Tab completes commands, models and paths.

    Ctrl-C stops an answer, on the server too; a second Ctrl-C ends the chat, and so does Ctrl-D. Files given
    by --file and --attach go with the first message. /help lists what else you can do: choose another model,
    have the last answer written again, edit your last message, send files and recordings, start a new
    conversation, list and export conversations.

    Through a pipe, each line is a message.
    """
    conversation = choose_conversation(conversation, last)
    check_start(model, system, conversation, temporary)
    files, folder = attachments.read_files(file), attachments.make_folder(save_files)
    pages = attachments.make_folder(save_artifacts, "--save-artifacts")
    tape = make_record(record, full, hide, hide_username)
    tools = choose_tools(tool, no_tools, tool_server, tool_servers)
    # One stops an answer, one ends the chat in order, the next one at once.
    with watch_interrupts(orderly=2) as interrupts, open_signed_in(options, via=via, record=tape) as app:
        files = (*files, *attachments.fetch_files(app, attach))
        with open_conversation(app, model, system, conversation, temporary) as talk:
            where = redact.address(app.settings.base_url)
            console.note(f"{talk.model or f'Conversation {talk.id}'} at {where}. {_HELP}")

            def start_another() -> "Talk":
                return app.new_conversation(model, system_prompt=system, temporary=temporary)

            commands = Commands(app, talk, start_another, files)

            def read_models() -> list[str]:
                return [model.id for model in app.models()]

            def send(text: str) -> "Answering":
                files, commands.files = commands.files, ()
                return commands.talk.send(text, files=files, tools=tools, web_search=web_search)

            def show_reply(reply: "Answering") -> None:
                answer = show(reply, commands.talk, reasoning=show_reasoning, plain=plain)
                attachments.save_files(commands.talk, answer, folder)
                attachments.save_artifacts(answer.artifacts, pages)

            _Dialogue(commands, send, show_reply, _choose_reader(read_models), interrupts).run()


def _choose_reader(read_models: Callable[[], Iterable[str]]) -> Callable[[], str | None]:
    """A function that reads the next message, from a prompt or from stdin. It returns None at the end."""
    if not (sys.stdin.isatty() and (sys.stdout.isatty() or sys.stderr.isatty())):
        return lambda: sys.stdin.readline() or None
    read = _make_prompt(read_models)

    def read_message() -> str | None:
        try:
            return read()
        except EOFError:
            return None

    return read_message


def _make_prompt(read_models: Callable[[], Iterable[str]]) -> Callable[[], str]:
    if console.err.is_dumb_terminal:
        return lambda: keyboard.read_lines(PROMPT)
    from huggingchat_agent.cli.prompt import Prompt  # takes a tenth of a second to import

    return Prompt(PROMPT, HELP, read_models).read


class _Dialogue:
    """Question and answer until the person ends it."""

    def __init__(
        self,
        commands: Commands,
        send: "Callable[[str], Answering]",
        show_reply: "Callable[[Answering], None]",
        read: Callable[[], str | None],
        interrupts: Interrupts,
    ) -> None:
        self._interrupts = interrupts
        self._commands, self._send, self._show_reply, self._read = commands, send, show_reply, read
        self._person = sys.stdin.isatty()
        # Set by a Ctrl-C until the next message: another Ctrl-C ends the chat.
        self._interrupted = False
        self._answering = False

    def run(self) -> None:
        while True:
            self._answering = False
            try:
                line = self._read()
                if line is None or line.strip() == "/quit":
                    return
                self._handle(line.strip())
            except KeyboardInterrupt as error:
                while_stopping = isinstance(error.__context__, KeyboardInterrupt)
                if self._interrupted or while_stopping or not self._person:
                    raise
                self._interrupted = True
                what = "Stopped. " if self._answering else ""
                console.err.print(Text(f"{what}Ctrl-C again ends.", style="dim"))

    def _handle(self, text: str) -> None:
        if not text:
            return
        self._interrupted = False
        self._interrupts.forget()
        self._answering = False
        try:
            reply = self._run_or_send(text)
            if reply is not None:
                self._answering = True
                self._show_reply(reply)
        except (ChatError, UsageError, BrowserError, StorageError) as error:
            if not self._person:
                raise
            error_output.tell(error)  # and the person may try again

    def _run_or_send(self, text: str) -> "Answering | None":
        if re.match(r"/[A-Za-z]+(\s|$)", text):
            found = self._commands.run(text)
            return self._send(found) if isinstance(found, str) else found
        return self._send(text[1:] if text.startswith("//") else text)
