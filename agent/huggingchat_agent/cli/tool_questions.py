"""Questions that a tool asks during an answer. A person answers at the terminal; without a terminal, we
decline.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from rich.prompt import Confirm, Prompt
from rich.text import Text

from huggingchat_agent.cli import console
from huggingchat_agent.cli.terminal import to_one_line
from huggingchat_agent.errors import ChatError, UsageError
from huggingchat_agent.wire.elicitations import check_answer

if TYPE_CHECKING:
    from huggingchat_agent.cli.warm import Answering, Talk
    from huggingchat_agent.events import ElicitationRequested
    from huggingchat_agent.question import Field


def settle(talk: Talk, event: ElicitationRequested) -> Answering | None:
    """Answer or decline. Return the rest of the answer, if that is a reply of its own.

    If it is too late to answer, say so; the run goes on.
    """
    request = talk.elicitation(event)
    question = f"{to_one_line(event.server) or 'A tool'} asks: {event.message}"
    try:
        if not (sys.stdin.isatty() and console.err.is_terminal):
            console.warn(f"{question} Nobody is at the terminal, so the question is declined.")
            return request.decline()
        console.err.print(Text(question, style="bold"))
        if event.url:
            console.err.print(Text(to_one_line(event.url), style="cyan"))
        wanted = "Have you done that?" if event.mode == "url" else "Answer it?"
        if not Confirm.ask(wanted, console=console.err, default=True):
            return request.decline()
        return request.answer(_fill_in(event.fields) if event.mode == "form" else None)
    except EOFError:
        return request.decline()
    except ChatError as error:
        console.warn(str(error))
        return None


def _fill_in(fields: list[Field]) -> dict[str, Any]:
    """Ask for the values of a form, each until it is valid."""
    content: dict[str, Any] = {}
    for field in fields:
        while True:
            value = _ask_value(field)
            try:
                content |= check_answer([field], {} if value is None else {field.name: value})
                break
            except UsageError as error:
                console.warn(str(error))
    return content


def _ask_value(field: Field) -> Any:
    """Ask for the value of a field; None if the person gives none."""
    label = Text(to_one_line(field.label))
    if field.description:
        label.append(f" ({to_one_line(field.description)})", style="dim")
    if not field.required:
        label.append(" [optional]", style="dim")
    if field.kind == "boolean":
        return Confirm.ask(label, console=console.err, default=bool(field.default))
    for option in field.options:
        console.err.print(Text(f"  {to_one_line(option.value)}  {to_one_line(option.label)}", style="dim"))
    said = Prompt.ask(label, console=console.err, default=None, show_default=False)
    said = (said or "").strip()
    if not said:
        return None
    if field.kind == "number":
        return _number(said)
    if field.multiple:
        return [each.strip() for each in said.split(",") if each.strip()]
    return said


def _number(said: str) -> Any:
    try:
        return float(said)
    except ValueError:
        return said  # the check reports what is wrong
