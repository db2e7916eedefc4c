"""A reply on the terminal: the answer goes to stdout as it arrives, the rest to stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from huggingchat_agent import agent_events, events
from huggingchat_agent.cli.console import Progress, err, is_verbose, note, say, warn
from huggingchat_agent.cli.keyboard import Keys
from huggingchat_agent.cli.terminal import to_one_line
from huggingchat_agent.cli.views import choose_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.answer import Answer
    from huggingchat_agent.cli.views import View
    from huggingchat_agent.cli.warm import Answering, Talk


def show(
    reply: Answering, talk: Talk, *, reasoning: bool = False, plain: bool = False, view: View | None = None
) -> Answer:
    """Show a reply to its end, and return its Answer. Raises the reply's error if it failed.

    A terminal shows it as Markdown, unless `plain`; a `view` shows it in its own way. The model's reasoning
    goes to stderr if that is a terminal, with -v, and with `reasoning`. A person answers a tool's questions;
    without a terminal the agent declines them. Leaving this early, by Ctrl-C or because nobody reads stdout,
    stops the run.
    """
    screen = Screen(reasoning, plain=plain, view=view)
    rest: Answering | None = None
    for name in agent_events.NAMES:
        reply.on(name, screen.print_agent_event)
    keys = Keys()
    keys.mute()
    with reply:
        try:
            for event in reply:
                if isinstance(event, events.ElicitationRequested):
                    from huggingchat_agent.cli.tool_questions import settle

                    screen.end()
                    keys.unmute()
                    rest = settle(talk, event)
                    keys.mute()
                else:
                    screen.show(event)
        finally:
            screen.end()
            keys.unmute()
        answer = reply.result()
    return show(rest, talk, reasoning=reasoning, plain=plain, view=view) if rest is not None else answer


def say_hidden(count: int) -> None:
    """Say on stderr how much of an answer is not on stdout."""
    plural = "" if count == 1 else "s"
    say(f"{count:,} character{plural} of reasoning left out. -v shows the reasoning too.")


class Screen:
    """Shows the events of a reply. It tracks the cursor, because two streams share a terminal."""

    def __init__(self, reasoning: bool = False, *, plain: bool = False, view: View | None = None) -> None:
        self._silent = view is not None
        self._answer = view or choose_view(plain=plain)
        self._reasoning = reasoning or err.is_terminal or is_verbose()
        self._thinking = False
        self._hidden = 0  # characters of reasoning that it did not show
        self._waiting = Progress("Waiting for the answer" if err.is_terminal else None)
        self._waiting.start()

    def show(self, event: events.TurnEvent) -> None:
        match event:
            case events.Token(text=text):
                if not self._silent:
                    self._settle()
                self._answer.feed(text)
            case events.Reasoning(text=text, status=status) if text or status:
                self._think(text or f"{status}\n")
            case events.ToolCalled(tool=tool, parameters=parameters):
                arguments = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
                self.print_aside(note, f"Tool {to_one_line(tool)}({arguments})")
            case events.ToolFailed(message=message):
                self.print_aside(note, f"The tool failed: {message}")
            case events.SearchSources(sources=sources):
                for source in sources:
                    self.print_aside(note, f"Source: {to_one_line(source.title)} {source.uri}")
            case events.ElicitationRequested(server=server, message=message, url=url):
                self.print_aside(
                    note, f"{to_one_line(server) or 'A tool'} asks: {message}{url and f' {url}'}"
                )
            case events.ElicitationResolved(action=action, resolution=resolution):
                self.print_aside(note, f"The question is closed: {action} ({resolution})")
            case events.FileProduced(file=file):
                self.print_aside(note, f"File: {to_one_line(file.name)} ({file.mime}, {file.sha[:12]})")
            case _:
                pass

    def print_aside(self, tell: Callable[[str], None], text: str) -> None:
        """Print a separate line on stderr, even in the middle of an answer."""
        self._settle()
        tell(text)

    def print_agent_event(self, event: events.Event) -> None:
        """Print what the agent itself reports."""
        self.print_aside(
            warn if isinstance(event, events.Degraded) else note, to_one_line(agent_events.describe(event))
        )

    def end(self) -> None:
        """End the last line. The reply is over, with or without an error."""
        self._settle()
        self._answer.end()
        if self._hidden:
            say_hidden(self._hidden)
            self._hidden = 0

    def _think(self, text: str) -> None:
        if not self._reasoning:
            self._hidden += len(text)
            return
        self._waiting.stop()
        err.print(Text(text, style="dim italic"), end="")
        self._thinking = not text.endswith("\n")

    def _settle(self) -> None:
        """Leave the spinner, or the line the reasoning is on, before something else is shown."""
        self._waiting.stop()
        if self._thinking:
            err.print("\n")
            self._thinking = False
