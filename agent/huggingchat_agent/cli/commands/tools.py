"""`tools`, and the options that choose among them."""

import sys
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.text import Text

from huggingchat_agent import redact
from huggingchat_agent.cli import console, documents
from huggingchat_agent.cli.opening import open_signed_in
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.tables import print_table, write_lines
from huggingchat_agent.errors import UsageError

if TYPE_CHECKING:
    from huggingchat_agent.wire.tools import ToolServer

Tool = Annotated[
    list[str] | None,
    typer.Option(
        "--tool",
        metavar="NAME",
        help="Turn on only this tool server: its name, or an unambiguous part. Repeat it for more. "
        "`huggingchat tools` lists them.",
    ),
]
NoTools = Annotated[bool, typer.Option("--no-tools", help="Turn all tools off.")]
WebSearch = Annotated[
    bool, typer.Option("--web-search", help="Turn on the tool server that searches the web.")
]


def choose_tools(tool: list[str] | None, no_tools: bool) -> list[str] | None:
    """The servers to turn on; None is the app's own choice. Raises UsageError for both options at once."""
    if tool and no_tools:
        raise UsageError("--tool and --no-tools exclude each other.")
    return [] if no_tools else tool or None


def tools(
    options: Options,
    json: documents.JsonArray = False,
) -> None:
    """List the tool servers (MCP) that the app offers.

    A terminal shows a table. A pipe gets one server a line: name, address and ability, separated by tabs.
    Addresses have no query here, because it may hold a key.
    """
    with open_signed_in(options) as chat:
        with console.show_progress("Reading the tool servers"):
            found = [_redact_address(server) for server in chat.tools()]
    if json:
        documents.write_json(found)
    elif sys.stdout.isatty() and found:
        columns = (("Server", "cyan"), ("Can", "green"), ("Address", "dim"))
        print_table(columns, [(each.name, _describe_ability(each), each.url) for each in found])
    else:
        write_lines((each.name, each.url, _describe_ability(each)) for each in found)
    count = f"{len(found)} tool server{'' if len(found) == 1 else 's'}"
    console.err.print(Text(f"{count}. All are on, unless you choose with --tool NAME.", style="dim"))


def _redact_address(server: "ToolServer") -> "ToolServer":
    return msgspec.structs.replace(server, url=redact.address(server.url) if server.url else "")


def _describe_ability(server: "ToolServer") -> str:
    return "search the web" if server.searches_web else ""
