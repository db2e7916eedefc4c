"""`tools`, and the options that choose among them."""

import sys
from typing import Annotated

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from huggingchat_agent import redact
from huggingchat_agent.cli import console, documents
from huggingchat_agent.cli.opening import opened, signed_in
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.terminal import one_line
from huggingchat_agent.errors import UsageError
from huggingchat_agent.wire.tools import ToolServer

Tool = Annotated[
    list[str] | None,
    typer.Option(
        "--tool",
        metavar="NAME",
        help="Have only this tool server on, by name or an unambiguous part; may be given several times. "
        "`huggingchat tools` lists them.",
    ),
]
NoTools = Annotated[bool, typer.Option("--no-tools", help="Have no tools on.")]
WebSearch = Annotated[
    bool, typer.Option("--web-search", help="Have the tool server on that searches the web.")
]


def choose_tools(tool: list[str] | None, no_tools: bool) -> list[str] | None:
    """The servers to be on, None for the app's own choice. Raises UsageError for both options at once."""
    if tool and no_tools:
        raise UsageError("--tool and --no-tools exclude each other.")
    return [] if no_tools else tool or None


def tools(
    options: Options,
    json: Annotated[
        bool, typer.Option("--json", help="All the app says of them, as one JSON array.")
    ] = False,
) -> None:
    """List the tool servers (MCP) that the app offers.

    A table for a person; through a pipe one server a line: name, address and ability, with tabs between.
    Addresses are shown without their query, which may hold a key.
    """
    with opened(options) as chat:
        signed_in(chat)
        with console.progress("Reading the tool servers"):
            found = [_shown(server) for server in chat.tools()]
    if json:
        documents.write_json(found)
    elif sys.stdout.isatty() and found:
        console.out.print(_table(found), soft_wrap=False)
    else:
        for server in found:
            console.write(f"{' '.join(server.name.split())}\t{server.url}\t{_ability(server)}\n")
    count = f"{len(found)} tool server{'' if len(found) == 1 else 's'}"
    console.err.print(Text(f"{count}. All are on unless a message chooses: --tool NAME.", style="dim"))


def _shown(server: ToolServer) -> ToolServer:
    return msgspec.structs.replace(server, url=redact.address(server.url) if server.url else "")


def _table(servers: list[ToolServer]) -> Table:
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("Server", style="cyan", overflow="fold")
    table.add_column("Can", style="green", overflow="fold")
    table.add_column("Address", style="dim", overflow="fold")
    for server in servers:
        table.add_row(Text(one_line(server.name)), Text(_ability(server)), Text(one_line(server.url)))
    return table


def _ability(server: ToolServer) -> str:
    return "search the web" if server.searches_web else ""
