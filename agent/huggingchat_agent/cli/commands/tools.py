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
from huggingchat_agent.cli.opening import open_chat, sign_in
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.terminal import one_line
from huggingchat_agent.errors import UsageError
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
    json: Annotated[
        bool, typer.Option("--json", help="Print all that the app says about them, as one JSON array.")
    ] = False,
) -> None:
    """List the tool servers (MCP) that the app offers.

    A terminal shows a table. A pipe gets one server a line: name, address and ability, separated by tabs.
    Addresses have no query here, because it may hold a key.
    """
    with open_chat(options) as chat:
        sign_in(chat)
        with console.progress("Reading the tool servers"):
            found = [_redact_address(server) for server in chat.tools()]
    if json:
        documents.write_json(found)
    elif sys.stdout.isatty() and found:
        console.out.print(_make_table(found), soft_wrap=False)
    else:
        for server in found:
            console.write(f"{' '.join(server.name.split())}\t{server.url}\t{_describe_ability(server)}\n")
    count = f"{len(found)} tool server{'' if len(found) == 1 else 's'}"
    console.err.print(Text(f"{count}. All are on, unless you choose with --tool NAME.", style="dim"))


def _redact_address(server: ToolServer) -> ToolServer:
    return msgspec.structs.replace(server, url=redact.address(server.url) if server.url else "")


def _make_table(servers: list[ToolServer]) -> Table:
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("Server", style="cyan", overflow="fold")
    table.add_column("Can", style="green", overflow="fold")
    table.add_column("Address", style="dim", overflow="fold")
    for server in servers:
        table.add_row(
            Text(one_line(server.name)), Text(_describe_ability(server)), Text(one_line(server.url))
        )
    return table


def _describe_ability(server: ToolServer) -> str:
    return "search the web" if server.searches_web else ""
