"""`tools`, and the options that choose among them."""

import sys
from pathlib import Path
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
        help="Turn on only this tool server: its name, or an unambiguous part. Can be given several times. "
        "`huggingchat tools` lists them.",
    ),
]
NoTools = Annotated[bool, typer.Option("--no-tools", help="Turn all tools off.")]
WebSearch = Annotated[
    bool, typer.Option("--web-search", help="Turn on the tool server that searches the web.")
]

OwnServer = Annotated[
    list[str] | None,
    typer.Option(
        "--tool-server",
        metavar="NAME[=URL]",
        help="Turn on this tool server (MCP) of your own. Can be given several times. Without URL, its "
        "address and headers come from HUGGINGCHAT_TOOL_SERVERS or --tool-servers.",
    ),
]
OwnServers = Annotated[
    Path | None,
    typer.Option(
        "--tool-servers",
        metavar="FILE",
        help="Tool servers of your own, as JSON that only you can read (chmod 600): "
        '{"NAME": {"url": "https://...", "headers": {"Authorization": "Bearer ..."}}}. '
        "All of them are on, unless --tool-server names some.",
    ),
]


def choose_tools(
    tool: list[str] | None, no_tools: bool, named: list[str] | None = None, listed: Path | None = None
) -> "list[str | ToolServer] | None":
    """The servers to turn on, the user's own last; None is the app's own choice.

    Raises UsageError for --no-tools beside the other options, and for servers that cannot be read.
    """
    if no_tools and (tool or named or listed):
        other = "--tool" if tool else "--tool-server" if named else "--tool-servers"
        raise UsageError(f"{other} and --no-tools exclude each other.")
    if not (named or listed):
        return [] if no_tools else [*tool] if tool else None
    from huggingchat_agent.cli.tool_servers import read_own  # few commands need it

    return [*(tool or ()), *read_own(named, listed)] or None


def tools(
    options: Options,
    check: Annotated[
        bool,
        typer.Option("--check", help="Have the app connect to each server, and list its tools or the error."),
    ] = False,
    tool_server: OwnServer = None,
    tool_servers: OwnServers = None,
    json: documents.JsonArray = False,
) -> None:
    """List the tool servers (MCP) that the app offers, and your own.

    A terminal shows a table. A pipe gets one server a line: name, address and ability, separated by tabs;
    with --check also its tools. Queries of addresses are left out, and headers masked: they may hold keys.
    """
    from huggingchat_agent.cli.tool_servers import read_known

    own = read_known(tool_server, tool_servers)
    with open_signed_in(options) as chat:
        with console.show_progress("Reading the tool servers"):
            found = [_redact_address(server) for server in chat.tools(check=check, own=own)]
    if json:
        documents.write_json(found)
    elif sys.stdout.isatty() and found:
        columns = (("Server", "cyan"), ("Can", "green"), ("Address", "dim"))
        with_tools = (*columns[:2], ("Tools", "green"), columns[2])
        rows = [_describe(each, check) for each in found]
        print_table(with_tools if check else columns, [(*row[:1], *row[2:], row[1]) for row in rows])
    else:
        write_lines(_describe(each, check) for each in found)
    count = f"{len(found)} tool server{'' if len(found) == 1 else 's'}"
    on = "Your own are on where --tool-server names them. The others are on" if own else "All are on"
    console.err.print(Text(f"{count}. {on}, unless you choose with --tool NAME.", style="dim"))


def _describe(server: "ToolServer", check: bool) -> tuple[str, ...]:
    """Name, address and ability, and with `check` the tools."""
    row = (server.name, server.url, _describe_ability(server))
    if not check:
        return row
    tools = ", ".join(each.name for each in server.tools or ())
    return (*row, tools or server.trouble or "none")


def _redact_address(server: "ToolServer") -> "ToolServer":
    return msgspec.structs.replace(server, url=redact.address(server.url) if server.url else "")


def _describe_ability(server: "ToolServer") -> str:
    return "search the web" if server.searches_web else ""
