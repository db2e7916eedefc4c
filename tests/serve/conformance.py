"""Runs the MCP project's own conformance checks against `huggingchat mcp --http`.

The checks send no key, so a proxy in front of the server adds it. Most scenarios want a server with tools and
resources of their own; these fit any server. No browser is opened.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIOS = (
    "server-initialize",
    "ping",
    "tools-list",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
)
# Its command line needs a newer Node than many systems have.
CHECKS = (
    "npx",
    "--yes",
    "-p",
    "node@22",
    "-p",
    "@modelcontextprotocol/conformance@0.1",
    "conformance",
    "server",
)
HOST = "127.0.0.1"
SECONDS = 240  # for one scenario, with the download before the first
_PASSED = re.compile(r"^Passed: .*", re.MULTILINE)


class Proxy:
    """Passes requests on with the key, and with the server's own address in place of the proxy's."""

    def __init__(self, port: int, key: str) -> None:
        self._port, self._key = port, key
        self.port = 0

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._pass, HOST)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, out = await asyncio.open_connection(HOST, self._port)
        await asyncio.gather(_copy(reader, out, self._change), _copy(there, writer, bytes))

    def _change(self, data: bytes) -> bytes:
        """The same, if it is not the head of a request."""
        head, end, rest = data.partition(b"\r\n\r\n")
        if b" HTTP/1.1\r\n" not in head:
            return data
        head = head.replace(f"{HOST}:{self.port}".encode(), f"{HOST}:{self._port}".encode())
        return head + f"\r\nAuthorization: Bearer {self._key}".encode() + end + rest


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Callable[[bytes], bytes]
) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(change(data))
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def check(url: str, scenario: str) -> bool:
    """Run one scenario and print its result. True if nothing failed."""
    command = (*CHECKS, "--url", url, "--scenario", scenario)
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(SECONDS):
        output = (await process.communicate())[0].decode(errors="replace")
    found = _PASSED.search(output)
    sys.stdout.write(f"{scenario:30} {found[0] if found else output[-500:]}\n")
    return found is not None and ", 0 failed" in found[0]


async def run() -> int:
    """The exit code."""
    with tempfile.TemporaryDirectory() as home:
        command = (sys.executable, "-m", "huggingchat_agent", "mcp", "--http", "--port", "0", "--json")
        server = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, "HUGGINGCHAT_HOME": home}, stdout=asyncio.subprocess.PIPE
        )
        assert server.stdout is not None
        try:
            said = json.loads(await server.stdout.readline())
            port = int(re.sub(r".*:(\d+)/.*", r"\1", said["url"]))
            proxy = Proxy(port, said["key"])
            async with await proxy.start():
                url = f"http://{HOST}:{proxy.port}/mcp"
                return 0 if all([await check(url, each) for each in SCENARIOS]) else 1
        finally:
            server.terminate()
            await server.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(run()))
