"""`conversations artifacts` and `conversations deploy`: what a model wrote for the app's side panel."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huggingchat_agent.chat.conversation_list import parse_conversation_id
from huggingchat_agent.cli import attachments, console, documents
from huggingchat_agent.cli.opening import open_signed_in
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.tables import print_table, write_lines
from huggingchat_agent.cli.terminal import to_one_line
from huggingchat_agent.errors import UsageError

if TYPE_CHECKING:
    from huggingchat_agent.artifact import Artifact

Which = Annotated[
    str, typer.Argument(metavar="ID", help="The conversation's id, or the address of its page.")
]


def artifacts(
    options: Options,
    which: Which,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Save the last version of each in this folder. No file is replaced."
        ),
    ] = None,
    json: documents.JsonArray = False,
) -> None:
    """List the artifacts of a conversation: pages, drawings, documents and programs.

    A terminal shows a table. A pipe gets one artifact a line: identifier, type, number of versions and title,
    separated by tabs. --json has every version with its text.
    """
    parse_conversation_id(which)
    folder = attachments.make_folder(save, "--save")
    with open_signed_in(options) as chat:
        with console.show_progress("Reading the conversation"):
            found = chat.conversation(which).artifacts()
    if json:
        documents.write_json(found)
    else:
        rows = [(each.identifier, each.type, str(len(each.versions)), each.title) for each in found]
        if sys.stdout.isatty() and rows:
            columns = (("Identifier", "cyan"), ("Type", ""), ("Versions", ""), ("Title", ""))
            print_table(columns, rows)
        else:
            write_lines(rows)
    if not found:
        console.note("There are no artifacts in this conversation.")
    attachments.save_artifacts(found, folder)


def deploy(
    options: Options,
    which: Which,
    identifier: Annotated[
        str,
        typer.Argument(metavar="IDENTIFIER", help="The artifact: `conversations artifacts ID` lists them."),
    ],
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Title of the Space. Default: the artifact's.")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Let anybody see the Space. It is private without this.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: documents.JsonObject = False,
) -> None:
    """Publish an artifact as a Space of the account on Hugging Face, and print its address.

    If the artifact has a Space already, the command updates it. It asks first. Without a terminal, it
    publishes nothing unless you give --yes.
    """
    parse_conversation_id(which)
    if not yes and not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask whether to publish this. Give --yes if you mean it.")
    from huggingchat_agent.chat import deploying

    with open_signed_in(options) as chat:
        conversation = chat.conversation(which)
        with console.show_progress("Reading the conversation"):
            artifact = _find(conversation.artifacts(), identifier)
        name = deploying.check(artifact, title)
        if not yes and not _confirm(artifact, name, public):
            raise UsageError("Nothing was published.")
        with console.show_progress("Publishing it"):
            made = conversation.deploy(artifact, title=title, public=public)
    if json:
        documents.write_json(made)
    else:
        console.write(f"{to_one_line(made.url)}\n")
    console.note("The Space is new." if made.created else "The existing Space is updated.")


def _find(found: "list[Artifact]", identifier: str) -> "Artifact":
    chosen = next((each for each in found if each.identifier == identifier), None)
    if chosen is None:
        there = ", ".join(to_one_line(each.identifier) for each in found) or "none"
        raise UsageError(f"The conversation has no artifact {identifier[:80]!r}. It has: {there}.")
    return chosen


def _confirm(artifact: "Artifact", title: str, public: bool) -> bool:
    who = "anybody can see" if public else "only you can see"
    what = f"{to_one_line(title)} ({artifact.type}, version {artifact.last.number})"
    return console.confirm(f"Publish {what} as a Space that {who}?")
