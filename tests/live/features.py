"""Own tool servers, artifacts, fetches, speech and switches, on an app that runs somewhere."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

from huggingchat_agent import ToolServer
from huggingchat_agent.errors import ChatError, UsageError
from tests.features.tool_server import HEADER, ToolHost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggingchat_agent import HuggingChat
    from tests.live.walk import Walk

TOOL = "loud_echo"

# A tenth of a second of nothing, in 16-bit samples.
SILENCE = (
    b"RIFF" + (36 + 1600).to_bytes(4, "little") + b"WAVEfmt \x10\0\0\0\x01\0\x01\0"
    b"\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data" + (1600).to_bytes(4, "little") + bytes(1600)
)


async def walk_features(chat: HuggingChat, steps: Walk, model: str | None) -> None:
    """All of them. What the app refuses is a row that says so."""
    await walk_own_servers(chat, steps, model)

    async def artifacts() -> str:
        async with await chat.new_conversation(model, temporary=True) as talk:
            page = '<artifact identifier="clock" type="html" title="A clock"><p>one</p></artifact>'
            pair = "<old_str>one</old_str><new_str>two</new_str>"
            change = f'<artifact identifier="clock" type="update">{pair}</artifact>'
            await talk.send(page, via="page")
            answer = await talk.send(change, via="page")
            if not answer.artifacts:
                return "no artifact: the model does not repeat what it is given"
            (clock,) = answer.artifacts
            assert clock.content == "<p>two</p>", f"it became {clock.content!r}"
            assert await talk.artifacts() == [clock], "the stored conversation has others"
            return f"{clock.name}: {', '.join(each.operation for each in clock.versions)}"

    async def fetch() -> str:
        try:
            file = await chat.fetch_file("https://127.0.0.1/n.txt")
        except (ChatError, UsageError) as error:
            return f"refused, as an address of its own machine: {error}"
        return f"{file.name}, {len(file.data)} bytes"

    async def speech() -> str:
        try:
            return f"heard {await chat.transcribe(('said.wav', SILENCE))!r}"
        except (ChatError, UsageError) as error:
            return f"refused: {error}"

    async def payers() -> str:
        try:
            found = await chat.billing()
        except (ChatError, UsageError) as error:
            return f"refused: {error}"
        return f"{len(found.organizations)} organizations"

    async def switches() -> str:
        before = await chat.preferences()
        chosen = (await chat.models())[0].id
        try:
            changed = await chat.change_preferences(providers={chosen: "fastest"}, artifacts={chosen: True})
        except UsageError as error:
            return f"no counterpart: {error}"
        after = await chat.change_preferences(
            providers={chosen: before.providers.get(chosen)},
            artifacts={chosen: before.artifacts.get(chosen)},
        )
        rest = "active_model", "system_prompts", "reasoning_efforts", "providers", "artifacts"
        kept = [name for name in rest if getattr(after, name) != getattr(before, name)]
        assert not kept, f"not as before: {kept}"
        return f"provider {changed.providers[chosen]}, artifacts {changed.artifacts[chosen]}, then as before"

    await steps.check("artifacts", artifacts)
    await steps.check("file from an address", fetch)
    await steps.check("speech", speech)
    await steps.check("who can pay", payers)
    await steps.check("provider and artifacts switched", switches)


async def walk_own_servers(chat: HuggingChat, steps: Walk, model: str | None) -> None:
    """A tool server of one's own: the app checks it, its tool is called, its header reaches it."""
    key = secrets.token_urlsafe(12)
    with _serve(key) as (url, what):
        own = ToolServer("Loud", url, {HEADER: key})

        async def check() -> str:
            mine = (await chat.tools(check=True, own=[own]))[-1]
            if refused := _find_refusal(mine):
                return refused
            assert mine.ready, f"the app could not use it: {mine.trouble}"
            stranger = (await chat.tools(check=True, own=[ToolServer("Loud", url)]))[-1]
            assert not stranger.ready, "the app could use it without the header"
            tools = ", ".join(each.name for each in mine.tools or ())
            return f"{what}: {tools}; without the header: {stranger.trouble}"

        async def call() -> str:
            if refused := _find_refusal((await chat.tools(check=True, own=[own]))[-1]):
                return refused
            async with await chat.new_conversation(model, temporary=True) as talk:
                answer = await talk.send(f"use tool {TOOL}", tools=[own])
                assert [use.name for use in answer.tools] == [TOOL], f"called {answer.tools}"
                assert "PING" in str(answer.tools[0].outputs), f"it gave {answer.tools[0].outputs}"
                return (
                    f"{answer.tools[0].name} {answer.tools[0].status}, by {answer.via}; the header reached it"
                )

        async def none() -> str:
            return "no counterpart: tool servers of one's own came in November 2025"

        offered = await chat.tools()
        older = bool(offered.missing) or any(each.built_in for each in offered)
        await steps.check("own tool server", none if older else check)
        await steps.check("own tool called", none if older else call)


def _find_refusal(server: ToolServer) -> str:
    """What a row says where the app takes no server of one's own, or none on this machine."""
    if "cannot check tool servers" in server.trouble:
        return f"no counterpart: {server.trouble}"
    return f"refused, for its local address: {server.trouble}" if "unsafe URL" in server.trouble else ""


@contextlib.contextmanager
def _serve(key: str) -> Iterator[tuple[str, str]]:
    """A tool server that wants that key: by the package `mcp`, or a scripted one where that is not there."""
    try:
        from mcp.server.mcpserver import MCPServer
    except ImportError:
        with ToolHost(key) as host:
            yield host.url, "scripted server (the package mcp is not here)"
        return
    import uvicorn

    server = MCPServer("loud")

    @server.tool()
    async def loud_echo(text: str) -> str:
        """Gives the text back in capitals."""
        return text.upper()

    app = server.streamable_http_app()

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and dict(scope["headers"]).get(HEADER.lower().encode()) != key.encode():
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b"unauthorized"})
            return
        await app(scope, receive, send)

    running = uvicorn.Server(uvicorn.Config(guarded, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        while not running.started and thread.is_alive():
            time.sleep(0.02)
        port = running.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/mcp", "server of the package mcp"
    finally:
        running.should_exit = True
        thread.join()
