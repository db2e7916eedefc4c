"""Prints a part of an answer: its first code block, or JSON of a given form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from huggingchat_agent.cli import console
from huggingchat_agent.cli.show import show
from huggingchat_agent.cli.views import SilentView
from huggingchat_agent.errors import ChatError, StorageError, UsageError
from huggingchat_agent.files import explain_failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from huggingchat_agent.answer import Answer
    from huggingchat_agent.cli.warm import Answering, Talk
    from huggingchat_agent.structured import Form


def show_code(reply: Answering, talk: Talk, *, reasoning: bool) -> Answer:
    """Print the first block of code of an answer. Raises ChatError if it has none."""
    answer = show(reply, talk, reasoning=reasoning, view=SilentView())
    code = find_code(answer.text)
    if code is None:
        raise _make_error("The answer has no block of code.", talk, answer)
    console.write(code if code.endswith("\n") else f"{code}\n")
    return answer


def show_json(
    reply: Answering, talk: Talk, form: Form, ask_again: Callable[[str], Answering], *, reasoning: bool
) -> Answer:
    """Print the JSON of an answer. If it does not fit the form, the model is asked once more. Raises
    ChatError if it still does not fit.
    """
    from huggingchat_agent.structured import Misshapen

    answer = show(reply, talk, reasoning=reasoning, view=SilentView())
    try:
        text = form.read(answer.text)
    except Misshapen as problem:
        console.note(f"The answer does not fit the schema: {problem}. Asking once more.")
        answer = show(ask_again(form.ask_again(problem)), talk, reasoning=reasoning, view=SilentView())
        try:
            text = form.read(answer.text)
        except Misshapen as remaining:
            raise _make_error(
                f"The answer does not fit the schema, not even the second time: {remaining}.", talk, answer
            ) from None
    console.write(f"{text}\n")
    return answer


def find_code(text: str) -> str | None:
    """The content of the first fenced block of code in Markdown."""
    from markdown_it import MarkdownIt  # takes a while to load

    tokens = MarkdownIt("commonmark").parse(text)
    return next((each.content for each in tokens if each.type == "fence"), None)


def read_form(path: Path) -> Form:
    """The form of a file with a JSON schema. Raises StorageError or UsageError."""
    from huggingchat_agent.structured import Form, Misshapen, parse_json

    try:
        with explain_failure(StorageError, f"--schema: {path} cannot be read", "Check its path."):
            schema: Any = parse_json(path.read_text(encoding="utf-8-sig"))
    except (Misshapen, UnicodeDecodeError) as error:
        why = error if isinstance(error, Misshapen) else "it is not UTF-8"
        raise UsageError(f"--schema: {path} is not a JSON schema: {why}.") from None
    return Form(schema)


def _make_error(message: str, talk: Talk, answer: Answer) -> ChatError:
    where = "" if talk.temporary else f"To read it: huggingchat conversations show {talk.id}"
    return ChatError(message, conversation_id=talk.id, partial=answer.text, shell_hint=where)
