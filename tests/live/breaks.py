"""Break the stream of a real chat-ui, and print the outcome of each answer, as the rows of a table.

    python -m tests.live.breaks BASE_URL [--engine NAME] [--flags URL] [--restart COMMAND]

The account comes from HUGGINGCHAT_USERNAME and HUGGINGCHAT_PASSWORD. The model behind the app must be the
scripted one, which counts. `--flags` is where the gateway in front takes JSON: `kill_stream_after` lines it
drops the connection. `--restart` is a shell command that kills the app's process and starts another one.
Exits with 1 if an answer was neither whole nor a typed error with the text up to there.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

import aiohttp
from rich.console import Console

from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import AgentError
from tests.faults.staging import kill_main_process
from tests.live import own_account

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from huggingchat_agent.chat.reply import Reply
    from huggingchat_agent.choices import Via

COUNT = 200
PROMPT = f"count {COUNT} every 10"
LIMIT = 240.0  # seconds; the agent itself waits for 180
ENGINES = ("playwright", "nodriver")


def list_numbers(text: str) -> list[int]:
    """The numbers of the counted tokens."""
    return [int(each) for each in re.findall(r"(\d+)@\d+\.\d+ ?", text)]


async def wait_for_token(reply: Reply, number: int) -> None:
    """Wait until so many tokens have come."""
    seen = 0
    async for event in reply:
        seen += event.name == "token"
        if seen >= number:
            return


def breaks_off(reply: Reply) -> bool:
    """Whether its stream broke at all."""
    return any(each.name == "recovered" for each in reply.events)


async def ask(
    chat: HuggingChat, via: Via, strike: Callable[[Reply | None], Coroutine[Any, Any, None]]
) -> tuple[bool, str]:
    """Whether the answer was whole or an error with its beginning, and what was seen.

    `strike` is called before the message is sent, and then with its reply.
    """
    conversation = await chat.new_conversation(temporary=True)
    await strike(None)
    reply = conversation.send(PROMPT, via=via)
    began = time.monotonic()
    striking = asyncio.create_task(strike(reply))
    try:
        async with asyncio.timeout(LIMIT):
            answer = await reply.answer()
    except AgentError as error:
        partial = str(getattr(error, "partial", ""))
        numbers = list_numbers(partial.rpartition(" ")[0] + " ")
        good = bool(numbers) and numbers == list(range(len(numbers)))
        seen = f"{type(error).__name__}, {len(numbers)} numbers in order in `partial`: {error.message}"
    except TimeoutError:
        good, seen = False, "hung"
    else:
        numbers = list_numbers(answer.text)
        streamed = list_numbers("".join(each.text for each in reply.events if each.name == "token"))
        good = numbers == streamed == list(range(COUNT)) and breaks_off(reply)
        seen = (
            f"0 to {COUNT - 1}, once and in order"
            if good
            else f"{len(numbers)} numbers, {'broken' if breaks_off(reply) else 'never broken'}"
        )
    finally:
        await asyncio.gather(striking, return_exceptions=True)
    means = [each.means for each in reply.events if each.name == "recovered"]
    asked = [each for each in (await conversation.read()).messages if each.author == "user"]
    good = good and len(asked) == 1
    seconds = time.monotonic() - began
    return good, f"{seen}; {', '.join(means) or 'not recovered'}; sent {len(asked)} time; {seconds:.1f} s"


async def walk(given: argparse.Namespace) -> bool:
    console, every = Console(), True

    async def cut(reply: Reply | None) -> None:
        if reply is not None:
            return
        wanted = {"kill_stream_after": 40}
        async with aiohttp.ClientSession(raise_for_status=True) as http, http.post(given.flags, json=wanted):
            pass

    async def kill(reply: Reply | None) -> None:
        if reply is None:
            return
        await wait_for_token(reply, 50)
        kill_main_process(chat._session.browser)

    async def restart(reply: Reply | None) -> None:
        if reply is None:
            return
        await wait_for_token(reply, 50)
        process = await asyncio.create_subprocess_shell(given.restart)
        await process.wait()

    breaks: dict[str, Callable[[Reply | None], Coroutine[Any, Any, None]]] = {
        "browser killed at token 50": kill
    }
    if given.flags:
        breaks = {"stream cut after 40 lines": cut, **breaks}
    if given.restart:
        breaks["app restarted at token 50"] = restart
    with tempfile.TemporaryDirectory() as home:
        async with HuggingChat(base_url=given.url, engine=given.engine, home=home) as chat:
            await chat.login()
            for name, strike in breaks.items():
                for via in ("ui", "page"):
                    good, seen = await ask(chat, via, strike)
                    every = every and good
                    row = f"| {given.engine} | {name} by {via} | {'' if good else 'WRONG: '}{seen} |"
                    console.print(row, markup=False, soft_wrap=True)
    return every


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.live.breaks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", help="the app's address, base path included")
    parser.add_argument("--engine", choices=ENGINES, default="playwright")
    parser.add_argument("--flags", help="where the gateway takes its flags")
    parser.add_argument("--restart", help="a shell command that restarts the app")
    own_account.add_option(parser)
    given = parser.parse_args()
    own_account.use_for(given.url, given.login_origin)
    sys.exit(not asyncio.run(walk(given)))


if __name__ == "__main__":
    main()
