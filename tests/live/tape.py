"""Record a three-turn conversation with a real chat-ui, and play it in a browser without the app.

    python -m tests.live.tape BASE_URL [--engine NAME] [--keep FILE] [--stop COMMAND]

The account comes from HUGGINGCHAT_USERNAME and HUGGINGCHAT_PASSWORD. While the tape plays, what the
browser's processes are connected to is read from /proc twenty times a second: nothing but loopback,
and there only the tape's own server and the browser's DevTools, never the app. `--stop` gives a command
that ends the app in between; that it does not answer any more is checked.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from rich.console import Console

from huggingchat_agent import HuggingChat, on_tape, replay
from huggingchat_agent.browser import process_tag
from huggingchat_agent.setting_values import Record
from huggingchat_agent.tape.reader import Tape
from tests.live import own_account
from tests.playback.sockets import is_loopback, list_sockets

if TYPE_CHECKING:
    from huggingchat_agent import Answer
    from huggingchat_agent.choices import Via

PROMPTS: tuple[tuple[str, Via], ...] = (
    ("hello", "ui"),
    ("count 60 every 20", "page"),
    ("reason about two and two", "ui"),
)


async def talk(chat: HuggingChat) -> tuple[list[tuple[Any, ...]], list[Answer]]:
    """Three turns in one conversation: its events, and the answers."""
    log: list[tuple[Any, ...]] = []

    def tell(event: Any) -> None:
        log.append((event.name, event.turn, event.seq, getattr(event, "text", "")))

    for name in ("started", "token", "reasoning", "title", "status", "answer", "finished", "failed"):
        chat.on(name, tell)
    conversation = await chat.new_conversation()
    return log, [await conversation.send(prompt, via=via) for prompt, via in PROMPTS]


async def played(
    path: Path, engine: str
) -> tuple[list[tuple[Any, ...]], list[Answer], set[tuple[str, int]], int]:
    seen: set[tuple[str, int]] = set()
    async with on_tape(path, engine=engine) as chat:
        tag = chat._session.browser.tag  # type: ignore[union-attr]

        async def watch() -> None:
            while True:
                seen.update(list_sockets(process_tag.find_processes(tag)))
                await asyncio.sleep(0.05)

        watching = asyncio.create_task(watch())
        await chat.login()
        log, answers = await talk(chat)
        watching.cancel()
        return log, answers, seen, chat.elsewhere


async def walk(arguments: argparse.Namespace, console: Console) -> int:
    app = urlsplit(arguments.base_url).port
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.keep or Path(folder, "run.tape")
        record = Record(path, full=True)
        async with HuggingChat(
            base_url=arguments.base_url, engine=arguments.engine, home=folder, record=record
        ) as chat:
            await chat.login()
            log, answers = await talk(chat)
        console.print(f"recorded: {len(log)} events, {path.stat().st_size / 1000:.0f} kB")
        assert Tape(path).load().complete
        again = [event async for event in replay(path, speed=0) if event.name == "token"]
        assert "".join(event.text for event in again) == "".join(answer.text for answer in answers)
        console.print(f"replayed without a browser: {len(again)} tokens, the same")
        if arguments.stop:
            assert await (await asyncio.create_subprocess_shell(arguments.stop)).wait() == 0
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", app), timeout=5)
            console.print("the app is stopped: its port refuses connections")
        for engine in ("playwright", "nodriver"):
            log_now, answers_now, seen, elsewhere = await played(path, engine)
            assert log_now == log, "the events differ"
            assert [(each.text, each.message_id, each.user_message_id) for each in answers_now] == [
                (each.text, each.message_id, each.user_message_id) for each in answers
            ], "the answers differ"
            assert seen and all(is_loopback(address) for address, _ in seen), "a socket left loopback"
            assert app not in {port for _, port in seen}, "the app was asked"
            console.print(
                f"replayed in the browser ({engine}): {len(log_now)} events, the same texts and ids; "
                f"{len(seen)} other ends, all on loopback, none the app's; {elsewhere} refused"
            )
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.live.tape", description=__doc__)
    parser.add_argument("base_url")
    parser.add_argument("--engine", default=None)
    parser.add_argument("--stop", default="", help="a command that ends the app before the tape is played")
    parser.add_argument("--keep", type=Path, default=None, help="keep the tape there")
    own_account.add_option(parser)
    arguments = parser.parse_args()
    own_account.use_for(arguments.base_url, arguments.login_origin)
    return asyncio.run(walk(arguments, Console(width=160)))


if __name__ == "__main__":
    sys.exit(main())
