"""`mcp`."""

import asyncio
import importlib.util
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from huggingchat_agent.cli import console
from huggingchat_agent.cli.options import Options
from huggingchat_agent.errors import UsageError


def mcp(
    options: Options,
    http: Annotated[
        bool, typer.Option("--http", help="Listen on 127.0.0.1 for clients, not on stdin and stdout.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="With --http: where to listen; 0 for any free port.")
    ] = 8978,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="With --http: make another key. The old one stops working.")
    ] = False,
    folder: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="Let the client upload files from this folder, by their paths."),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="With --http: print address and a new key as one line of JSON.")
    ] = False,
) -> None:
    """Offer HuggingChat as tools to programs that speak MCP.

    A client starts this command and talks to it over stdin and stdout. docs/doors.md shows what to write into
    the settings of the usual clients. All clients share one browser, in the warm session of the profile. It
    starts with the first call.
    """
    if importlib.util.find_spec("mcp") is None:
        raise UsageError("`huggingchat mcp` needs mcp. Install it: pip install 'huggingchat-agent[mcp]'.")
    from huggingchat_agent.mcp_server.tools import make_server
    from huggingchat_agent.mcp_server.uploads import Uploads
    from huggingchat_agent.warm.sessions import Sessions

    sessions = Sessions(options.to_settings())
    server = make_server(sessions, Uploads(tuple(folder or ())))
    if not http:
        asyncio.run(server.run_stdio_async())
        return
    from huggingchat_agent.mcp_server.serving import HttpServing
    from huggingchat_agent.serve.keys import load_key
    from huggingchat_agent.serve.running import handle_signals, listen

    key, text = load_key(sessions.settings.profile_folder, new=new_key)
    serving = HttpServing(server, key, listen("127.0.0.1", port))
    if json:
        console.write_line(msgspec.json.encode({"url": serving.url, "key": text}))
    else:
        console.print_facts([("Address", serving.url), *([("Key", text)] if text else [])])
    if text:
        console.say("Keep the key: it is not shown again. `huggingchat serve` has the same key.")

    async def run() -> None:
        with handle_signals(serving, console.say):
            await serving.serve()

    asyncio.run(run())
