"""What a turn through `serve` costs beside one through Python: to the first token, in one browser.

`python -m tests.bench.doors` prints it alone. Client and endpoint run in this process, so the client's own
work counts too.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from huggingchat_agent import HuggingChat
from huggingchat_agent.serve.keys import load_key
from huggingchat_agent.serve.running import EndpointServer, listen
from tests.bench.standin import open_site

PROMPT = "count 3 every 1"


async def measure(base_url: str, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds to the first token through Python and through `serve`, taking turns."""
    account: dict[str, Any] = {"base_url": base_url, "username": "ada", "password": "correct horse"}
    python: list[float] = []
    served: list[float] = []
    with tempfile.TemporaryDirectory() as home:
        async with HuggingChat(**account, home=Path(home)) as chat:
            await chat.login()
            model = (await chat.models())[0].id
            loaded, key = load_key(chat.settings.profile_folder, new=True)
            running = EndpointServer(chat, loaded, listen("127.0.0.1", 0))
            serving = asyncio.create_task(running.serve())
            headers = {"authorization": f"Bearer {key}"}
            client = httpx.AsyncClient(headers=headers, timeout=60, trust_env=False)
            async with client, await chat.new_conversation(model) as conversation:
                messages: list[dict[str, str]] = []
                for number in range(rounds + 2):  # the first ones warm up
                    by_python = await _ask_by_python(conversation)
                    by_serve = await _ask_by_serve(client, running.url, model, messages)
                    if number >= 2:
                        python.append(by_python)
                        served.append(by_serve)
            running.finish()
            await serving
    return python, served


async def _ask_by_python(conversation: Any) -> float:
    first: list[float] = []
    began = time.perf_counter()
    reply = conversation.send(PROMPT, via="page")
    reply.on("token", lambda event: first.append(time.perf_counter()))
    await reply
    return first[0] - began


async def _ask_by_serve(
    client: httpx.AsyncClient, url: str, model: str, messages: list[dict[str, str]]
) -> float:
    """A turn of a conversation that grows, as a chat client asks."""
    messages.append({"role": "user", "content": PROMPT})
    body = {"model": model, "messages": messages, "stream": True}
    first, text = 0.0, ""
    began = time.perf_counter()
    async with client.stream("POST", f"{url}/chat/completions", json=body) as answer:
        async for line in answer.aiter_lines():
            if not line.startswith("data: {"):
                continue
            choices = json.loads(line[6:])["choices"]
            piece = (choices[0]["delta"].get("content") or "") if choices else ""
            first = first or (time.perf_counter() if piece else 0.0)
            text += piece
    messages.append({"role": "assistant", "content": text})
    return first - began


def report(python: list[float], served: list[float]) -> str:
    """The medians, and the difference by round."""
    more = [1000 * (one - other) for one, other in zip(served, python, strict=True)]
    one, other = (1000 * statistics.median(each) for each in (python, served))
    return (
        f"First token through Python {one:.1f} ms, through `serve` {other:.1f} ms: "
        f"{statistics.median(more):+.1f} ms by round (median of {len(more)}; client and endpoint "
        "in one process)."
    )


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with open_site() as base_url:
        sys.stdout.write(report(*asyncio.run(measure(base_url, rounds))) + "\n")


if __name__ == "__main__":
    main()
