"""Where a person types the messages of `chat`: several lines, pastes, history, completion."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, Completion, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import create_output
from prompt_toolkit.styles import Style

from huggingchat_agent.errors import AgentError
from huggingchat_agent.printable import show_marks, strip_controls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.key_binding import KeyPressEvent
    from prompt_toolkit.output import Output

_STYLE = Style.from_dict({"prompt": "bold ansicyan", "continuation": "ansibrightblack"})
_TAKE_PATHS = ("/file", "/voice", "/export")


class Prompt:
    """Reads messages at a terminal. A paste is part of one message, however many lines it has.

    Enter sends. Alt-Enter, or Enter after a backslash, begins a new line.
    """

    def __init__(
        self,
        prompt: str,
        commands: Mapping[str, str],
        read_models: Callable[[], Iterable[str]],
        output: Output | None = None,
    ) -> None:
        """`commands` are the lines for `chat` itself, with their meanings; `read_models` gives the ids."""
        session: PromptSession[str] = PromptSession(
            [("class:prompt", prompt)],
            multiline=True,
            prompt_continuation=[("class:continuation", "· ")],
            key_bindings=_bind_keys(),
            completer=_CommandCompleter(commands, read_models),
            complete_in_thread=True,
            style=_STYLE,
            include_default_pygments_style=False,
            output=output or create_output(sys.stdout if sys.stdout.isatty() else sys.stderr),
        )
        types_command = Condition(lambda: session.default_buffer.text.startswith("/"))
        # The toolkit has one or the other: completion while you type, or arrow keys that search the history.
        session.complete_while_typing = types_command
        session.enable_history_search = ~types_command
        self._session = session

    def read(self) -> str:
        """Read the next message. Raises EOFError for Ctrl-D, KeyboardInterrupt for Ctrl-C."""
        return self._session.prompt()


def _bind_keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter", filter=has_focus(DEFAULT_BUFFER))  # not during a search
    def enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if any(each.key != Keys.CPRResponse for each in event.key_processor.input_queue):
            # More came with it: a paste, from a terminal that does not mark it as one.
            buffer.insert_text("\n")
        elif buffer.document.is_cursor_at_the_end and buffer.text.endswith("\\"):
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def begin_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


class _CommandCompleter(Completer):
    """Completes slash commands, and the models and paths that they take."""

    def __init__(self, commands: Mapping[str, str], read_models: Callable[[], Iterable[str]]) -> None:
        self._commands = commands
        self._read_models = read_models
        self._models: list[str] | None = None
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
        text = document.text_before_cursor
        name, space, rest = text.partition(" ")
        if not text.startswith("/") or "\n" in text:
            return
        if not space:
            for usage, meaning in self._commands.items():
                command = usage.split()[0]
                if command.startswith(name):
                    yield Completion(command, -len(name), display=usage, display_meta=meaning)
        elif name == "/model":
            for model in self._list_models():
                if rest.lower() in model.lower() and _is_plain(model):
                    yield Completion(model, -len(rest))
        elif name in _TAKE_PATHS:
            found = self._paths.get_completions(Document(rest), event)
            yield from (each for each in found if _is_plain(each.text))

    def _list_models(self) -> list[str]:
        if self._models is None:
            try:
                self._models = list(self._read_models())
            except AgentError:  # the command itself reports the error
                return []
        return self._models


def _is_plain(name: str) -> bool:
    """Whether the prompt can show a name. It has no mark for what controls a terminal or hides."""
    return show_marks(strip_controls(name)) == name and "\n" not in name
