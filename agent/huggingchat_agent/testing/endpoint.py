"""Runs an endpoint beside a test, in a thread with a loop of its own, so that the test may block."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import pytest

from huggingchat_agent.huggingchat import HuggingChat
from huggingchat_agent.serve.journal import Asked, Journal
from huggingchat_agent.testing import chats, markers, tapes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from huggingchat_agent.playback.faults import Fault


class Endpoint:
    """An endpoint that runs. `journal` has the requests, in the order in which their answers began.

    Each of the next messages takes the first of `faults` away (see `playback.faults`), on a tape.
    """

    def __init__(self, base_url: str, key: str, journal: list[Asked], faults: list[Fault]) -> None:
        self.base_url, self.key = base_url, key
        self.journal, self.faults = journal, faults

    def __repr__(self) -> str:
        return f"<Endpoint {self.base_url}>"


@contextlib.contextmanager
def open_endpoint(
    item: pytest.Function, given: Mapping[str, Any], folder: Path, home: Path
) -> Iterator[Endpoint]:
    """An endpoint that the test's tape answers, or in another mode the app. It ends with the block."""
    with tapes.run_on_tape(item, chats.use_worker_home(given, home), folder, home) as wanted:
        opened: Future[tuple[Endpoint, Any]] = Future()
        speed = markers.read_marker(item).speed
        thread = threading.Thread(
            target=lambda: asyncio.run(_run(wanted, speed, opened)), name="huggingchat endpoint", daemon=True
        )
        thread.start()
        try:
            endpoint, end = opened.result()
        except ImportError as error:
            pytest.fail(
                f"huggingchat_endpoint needs {error.name}: pip install 'huggingchat-agent[server]'",
                pytrace=False,
            )
        try:
            yield endpoint
        finally:
            end()
            thread.join()


async def _run(wanted: dict[str, Any], speed: float, opened: Future[tuple[Endpoint, Any]]) -> None:
    try:
        from huggingchat_agent.serve.keys import load_key
        from huggingchat_agent.serve.recorded import RecordedChat
        from huggingchat_agent.serve.running import EndpointServer, listen

        faults: list[Fault] = []
        async with contextlib.AsyncExitStack() as stack:
            if wanted.get("replay"):
                chat: HuggingChat = RecordedChat(**wanted, speed=speed, upcoming=faults)
            else:
                chat = HuggingChat(**wanted)
            await stack.enter_async_context(chat)
            await chat.login()
            key, text = load_key(chat.settings.profile_folder, new=True)
            journal = Journal()
            running = EndpointServer(chat, key, listen("127.0.0.1", 0), journal=journal)
            loop = asyncio.get_running_loop()
            endpoint = Endpoint(running.url, text or "", journal.entries, faults)
            opened.set_result((endpoint, lambda: loop.call_soon_threadsafe(running.abort)))
            await running.serve()
    except BaseException as error:
        if opened.done():
            raise
        opened.set_exception(error)
