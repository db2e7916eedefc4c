"""`conversations`: list them, and read, change or delete them."""

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huggingchat_agent.chat.conversation_list import parse_conversation_id
from huggingchat_agent.chat.export import Form, build_export, render
from huggingchat_agent.cli import console, documents
from huggingchat_agent.cli.commands import artifacts
from huggingchat_agent.cli.commands.artifacts import Which
from huggingchat_agent.cli.opening import open_signed_in
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.show import say_hidden
from huggingchat_agent.cli.tables import write_lines
from huggingchat_agent.cli.transcript import make_listing, render_transcript
from huggingchat_agent.errors import ChatError, UsageError
from huggingchat_agent.user_text import require_text

if TYPE_CHECKING:
    from huggingchat_agent.cli.warm import App
    from huggingchat_agent.wire.conversations import ConversationSummary


def conversations(options: Options) -> None:
    """List, read, rename, share, export and delete conversations.

    Name a conversation by its id, which `list` shows, or by the address of its page.
    """


def list_(
    options: Options,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", "-n", metavar="N", min=1, show_default=False, help="How many at most. Default: 30."
        ),
    ] = 30,
    everything: Annotated[bool, typer.Option("--all", "-a", help="List all of them.")] = False,
    json: documents.JsonArray = False,
) -> None:
    """List conversations, the last changed first.

    A terminal shows a table. A pipe gets one conversation a line: id, title, model and time of the last
    change, separated by tabs.
    """
    with open_signed_in(options) as chat:
        with console.show_progress("Reading the list"):
            entries = chat.conversations()
            found = list(entries) if everything else list(itertools.islice(entries, limit))
            more = not everything and len(found) == limit and next(entries, None) is not None
    if json:
        documents.write_json(found)
    elif sys.stdout.isatty():
        console.out.print(make_listing(found, console.out.width), soft_wrap=False)
    else:
        write_lines(
            (each.id, each.title, each.model, each.updated_at.isoformat() if each.updated_at else "")
            for each in found
        )
    if not found:
        console.note("There are no conversations yet.")
    elif more:
        console.note(f"These are the last {limit}. --limit N or --all lists more.")


def show(
    options: Options,
    which: Which,
    show_reasoning: Annotated[
        bool, typer.Option("--show-reasoning", help="Show the model's reasoning at a terminal, too.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print all branches, as `export --format json` does.")
    ] = False,
) -> None:
    """Show the messages of a conversation, on its active branch.

    A terminal shows them rendered. A pipe gets Markdown.
    """
    parse_conversation_id(which)
    with open_signed_in(options) as chat:
        with console.show_progress("Reading the conversation"):
            conversation = chat.conversation(which)
            read = conversation.read()
    if json or not sys.stdout.isatty():
        console.write(render(read, "json" if json else "markdown", url=conversation.url))
    else:
        document = build_export(read, url=conversation.url)
        show_reasoning = show_reasoning or options.verbose
        for block in render_transcript(document, reasoning=show_reasoning):
            console.out.print(block, soft_wrap=False)
        hidden = sum(len(message.reasoning) for message in document.active)
        if hidden and not show_reasoning:
            say_hidden(hidden)


def rename(
    options: Options,
    which: Which,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="The new title, of 1 to 100 characters.")],
) -> None:
    """Change the title of a conversation."""
    require_text("The title", title)
    parse_conversation_id(which)
    with open_signed_in(options) as chat:
        chat.conversation(which).rename(title)
        console.note(f"Renamed {chat.conversation(which).id}.")


def share(options: Options, which: Which) -> None:
    """Make a link to a conversation as it is now, and print it.

    Anybody who has the link can read it. Later messages are not in it.
    """
    parse_conversation_id(which)
    with open_signed_in(options) as chat:
        console.write(chat.conversation(which).share() + "\n")


def import_(
    options: Options,
    link: Annotated[
        str, typer.Argument(metavar="LINK", help="The link of the share, or the 7 characters at its end.")
    ],
) -> None:
    """Copy a shared conversation to your account, and print the id of the copy.

    The app makes one copy of each share. A second import gives the same copy.
    """
    with open_signed_in(options) as chat:
        copy = chat.import_share(link)
        console.write(copy.id + "\n")
        console.note(f"To continue: huggingchat ask --conversation {copy.id} PROMPT")


def export(
    options: Options,
    which: Which,
    form: Annotated[
        Form | None,
        typer.Option(
            "--format", "-f", help="markdown has the active branch, json all branches. Default: markdown."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to this file; .json means json."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write a conversation as a document: Markdown to read, or JSON with everything in it.

    It goes to stdout, or to a file.
    """
    parse_conversation_id(which)
    chosen: Form = form or ("json" if output is not None and output.suffix == ".json" else "markdown")
    documents.check_writable(output, force=force)
    with open_signed_in(options) as chat:
        text = chat.conversation(which).export(chosen)
    documents.write(text, output)


def delete(
    options: Options,
    which: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID...", help="Ids of conversations, or addresses of their pages."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Delete all your conversations.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete conversations, for good.

    If there are several, the command lists them and asks first. Without a terminal, it deletes nothing unless
    you give --yes.
    """
    ids = list(dict.fromkeys(map(parse_conversation_id, which or [])))
    if bool(ids) == everything:
        raise UsageError("Give the ids of the conversations to delete, or --all.")
    if (everything or len(ids) > 1) and not yes and not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask whether to delete these. Give --yes if you mean it.")
    with open_signed_in(options) as chat:
        found = _find_conversations(chat, None if everything else ids)
        if not found:
            console.note("There are no conversations to delete.")
            return
        if (everything or len(ids) > 1) and not yes and not _confirm(found):
            raise UsageError("Nothing was deleted.")
        ids = [each.id for each in found]
        with console.show_progress(f"Deleting {_format_count(ids)}"):
            chat.delete_conversations(ids, confirmed=len(ids))
        console.note(f"Deleted {_format_count(ids)}.")


def _find_conversations(chat: "App", ids: list[str] | None) -> "list[ConversationSummary]":
    """The conversations with these ids, or all for None. Raises ChatError for an unknown id."""
    with console.show_progress("Reading the list"):
        if ids is None:
            return list(chat.conversations())
        known: dict[str, ConversationSummary] = {}
        for each in chat.conversations():
            if each.id in ids:
                known[each.id] = each
            if len(known) == len(ids):
                break
    missing = [each for each in ids if each not in known]
    if missing:
        raise ChatError(f"You have no conversation {', '.join(missing)}. Nothing was deleted.")
    return [known[each] for each in ids]


def _confirm(found: "list[ConversationSummary]") -> bool:
    console.err.print(make_listing(found[:10], console.err.width), soft_wrap=False)
    if len(found) > 10:
        console.err.print(f"... and {len(found) - 10} more.")
    return console.confirm(f"Delete {_format_count(found)} for good?")


def _format_count(these: "list[str] | list[ConversationSummary]") -> str:
    return f"{len(these)} conversation{'s' if len(these) > 1 else ''}"


_ID = "66b0c0ffee66b0c0ffee66b0"

COMMANDS: dict[Callable[..., None], tuple[str, ...]] = {
    list_: (
        "huggingchat conversations list",
        "huggingchat conversations list --all --json | jq -r '.\\[].title'",
    ),
    show: (f"huggingchat conversations show {_ID}", f"huggingchat conversations show {_ID} | less"),
    rename: (f'huggingchat conversations rename {_ID} "Why the sky is blue"',),
    share: (f"huggingchat conversations share {_ID}",),
    import_: ("huggingchat conversations import https://huggingface.co/chat/r/a1B2c3D",),
    export: (
        f"huggingchat conversations export {_ID} > sky.md",
        f"huggingchat conversations export {_ID} --output sky.json",
    ),
    artifacts.artifacts: (
        f"huggingchat conversations artifacts {_ID}",
        f"huggingchat conversations artifacts {_ID} --save pages",
    ),
    artifacts.deploy: (f"huggingchat conversations deploy {_ID} clock-page",),
    delete: (f"huggingchat conversations delete {_ID}", "huggingchat conversations delete --all"),
}
