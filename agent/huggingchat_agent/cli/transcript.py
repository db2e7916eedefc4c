"""Conversations at a terminal: the list of them, and the messages of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from huggingchat_agent.cli.markdown import render_markdown
from huggingchat_agent.cli.tables import format_date
from huggingchat_agent.cli.terminal import to_one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from huggingchat_agent.chat.export import Export, ExportedMessage
    from huggingchat_agent.wire.conversations import ConversationSummary

# A terminal narrower than this has no room for more than the title beside an id, or for the model too.
ROOMY, WIDE = 70, 100

_SPEAKERS = {"user": ("You", "bold cyan"), "assistant": ("Assistant", "bold green")}


def make_listing(conversations: Sequence[ConversationSummary], width: int) -> Table:
    """A table of conversations, for a terminal of that width."""
    roomy = width >= ROOMY
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 2 if roomy else 1, 0, 0))
    table.add_column("Id", style="cyan", no_wrap=True, min_width=24)
    table.add_column("Title", overflow="ellipsis", no_wrap=roomy, ratio=1)
    if width >= WIDE:
        table.add_column("Model", style="dim", overflow="ellipsis", no_wrap=True, max_width=24)
    if roomy:
        table.add_column("Changed", style="dim", no_wrap=True, min_width=16)
    for each in conversations:
        title = Text(to_one_line(each.title) or "(no title)")
        moment = format_date(each.updated_at)
        model = Text(to_one_line(each.model.rpartition("/")[2]))
        rest = (model, moment) if width >= WIDE else (moment,) if roomy else ()
        table.add_row(each.id, title, *rest)
    return table


def render_transcript(export: Export, *, reasoning: bool) -> Iterator[RenderableType]:
    """The renderables of a conversation, in order."""
    yield Rule(Text(to_one_line(export.title) or "Untitled", style="bold"), align="left", style="dim")
    yield Text(f"{to_one_line(export.model)}  {export.url}", style="dim")
    if export.system_prompt:
        yield Text(f"System prompt: {export.system_prompt}", style="dim italic")
    for message in export.active:
        if message.author != "system":
            yield Text()
            yield from _render_message(message, reasoning=reasoning)


def _render_message(message: ExportedMessage, *, reasoning: bool) -> Iterator[RenderableType]:
    name, style = _SPEAKERS.get(message.author, (to_one_line(message.author), "bold"))
    yield Text(name, style=style)
    if reasoning and message.reasoning.strip():
        yield Padding(Text(message.reasoning.strip(), style="dim italic"), (0, 0, 1, 2))
    for use in message.tools:
        yield Text(f"Tool {to_one_line(use.name)}: {to_one_line(use.error or use.status)}", style="dim")
    text = message.text.strip()
    # A terminal shows the user's text unrendered.
    yield render_markdown(text) if message.author == "assistant" else Text(text)
    for file in message.files:
        yield Text(f"File: {to_one_line(file.name)} ({to_one_line(file.mime)})", style="dim")
    for source in message.sources:
        yield Text(f"Source: {to_one_line(source.title)} {to_one_line(source.uri)}", style="dim")
    if message.error is not None:
        yield Text(f"Failed: {to_one_line(message.error)}", style="red")
    elif message.interrupted:
        yield Text("Stopped before its end.", style="yellow")
