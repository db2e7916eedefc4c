"""`chat`: a conversation at the terminal."""

import contextlib
import re
import sys
from collections.abc import Callable

from rich.text import Text

from huggingchat_agent import redact
from huggingchat_agent.cli import attachments, console, failures
from huggingchat_agent.cli.ask import (
    Continue,
    HowToSend,
    Model,
    Plain,
    System,
    Temporary,
    check_start,
    started,
)
from huggingchat_agent.cli.opening import opened, signed_in
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.show import show
from huggingchat_agent.cli.slash import Commands
from huggingchat_agent.cli.taping import Full, Hide, HideUsername, RecordTo, recording
from huggingchat_agent.cli.tools import NoTools, Tool, WebSearch, chosen
from huggingchat_agent.errors import BrowserError, ChatError, StorageError, UsageError
from huggingchat_agent.sync import Conversation, Reply

_HELP = "/help lists what can be done, /quit or Ctrl-D ends. Ctrl-C stops an answer; twice ends."


def chat(
    options: Options,
    model: Model = None,
    system: System = None,
    conversation: Continue = None,
    via: HowToSend = None,
    temporary: Temporary = False,
    record: RecordTo = None,
    full: Full = False,
    hide: Hide = None,
    hide_username: HideUsername = False,
    tool: Tool = None,
    no_tools: NoTools = False,
    web_search: WebSearch = False,
    file: attachments.Files = None,
    save_files: attachments.SaveFiles = None,
    show_reasoning: attachments.ShowReasoning = False,
    plain: Plain = False,
) -> None:
    """Talk at the terminal, in one conversation.

    Ctrl-C stops an answer, on the server too; twice ends. Ctrl-D ends as well. Lines can be edited and
    recalled with the arrow keys. Files given by --file go with the first message. /help lists what else can
    be done: another model, an answer made anew, a message said otherwise, files, a new conversation, the
    list of them, an export.
    """
    check_start(model, system, conversation, temporary)
    files, folder = attachments.given(file), attachments.folder(save_files)
    tape = recording(record, full, hide, hide_username)
    tools = chosen(tool, no_tools)
    with opened(options, via=via, record=tape) as opened_chat:
        signed_in(opened_chat)
        with started(opened_chat, model, system, conversation, temporary) as talk:
            where = redact.address(opened_chat.settings.base_url)
            console.note(f"{talk.model or f'Conversation {talk.id}'} at {where}. {_HELP}")

            def another() -> Conversation:
                return opened_chat.new_conversation(model, system_prompt=system, temporary=temporary)

            commands = Commands(opened_chat, talk, another, files)

            def send(said: str) -> Reply:
                files, commands.files = commands.files, ()
                return commands.talk.send(said, files=files, tools=tools, web_search=web_search)

            def tell(reply: Reply) -> None:
                answer = show(reply, commands.talk, reasoning=show_reasoning, plain=plain)
                attachments.keep(commands.talk, answer, folder)

            _Dialogue(commands, send, tell).run()


class _Dialogue:
    """Question and answer until the person has enough."""

    def __init__(
        self, commands: Commands, send: Callable[[str], Reply], tell: Callable[[Reply], None]
    ) -> None:
        self._commands, self._send, self._tell = commands, send, tell
        self._person = sys.stdin.isatty()
        # Set by a Ctrl-C until something is said again: the next one ends.
        self._interrupted = False
        self._answering = False
        if self._person:
            with contextlib.suppress(ImportError):  # not everywhere; lines can then not be edited
                import readline  # noqa: F401

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
                what = "Stopped. " if self._answering else "\n"
                console.err.print(Text(f"{what}Ctrl-C again ends.", style="dim"))

    def _read(self) -> str | None:
        """The next line; None at the end of the input."""
        if not self._person:
            return sys.stdin.readline() or None
        try:
            # The prompt goes by way of `input`, which must know its width; with marks around what has none.
            return input("\001\033[1;36m\002› \001\033[0m\002" if console.out.is_terminal else "")
        except EOFError:
            console.err.print()
            return None

    def _handle(self, said: str) -> None:
        if not said:
            return
        self._interrupted = False
        self._answering = False
        try:
            reply = self._said(said)
            if reply is not None:
                self._answering = True
                self._tell(reply)
        except (ChatError, UsageError, BrowserError, StorageError) as error:
            if not self._person:
                raise
            failures.tell(error)  # and the person may try again

    def _said(self, said: str) -> Reply | None:
        if re.match(r"/[A-Za-z]+(\s|$)", said):
            return self._commands.run(said)
        return self._send(said[1:] if said.startswith("//") else said)
