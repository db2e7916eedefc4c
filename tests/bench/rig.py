"""A chat whose browser is this test: an answer is handed over as a driver does, piece by piece.

It runs through all that a message sent by page runs through: CDP session, page, pump, tap, traffic, turn,
reply, conversation and chat, and the tape if it records.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from huggingchat_agent import HuggingChat
from huggingchat_agent.browser.page import CdpPage
from huggingchat_agent.browser.playwright_session import PlaywrightSession
from huggingchat_agent.browser.pump import Pump
from huggingchat_agent.chat.conversation import Conversation
from huggingchat_agent.chat.reply import Reply
from huggingchat_agent.turn.tracker import Claim
from huggingchat_agent.wire import requests
from huggingchat_agent.wire.tap import Tap
from tests.wire import cdp
from tests.wire.forms import encode_form

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from huggingchat_agent.choices import SentVia
    from huggingchat_agent.emitter import Emitter
    from huggingchat_agent.turn.turn import Turn

CONVERSATION = "0123456789abcdef01234567"
GENERATION = "6f1c0c0e-7f0b-4d29-9c5b-0d6f3b1e2a11"


class DriverSession:
    """A driver's CDP session, of which only the events matter; it answers every command with nothing."""

    def __init__(self) -> None:
        self.callbacks: dict[str, Callable[[dict[str, Any]], None]] = {}

    def on(self, name: str, callback: Callable[[dict[str, Any]], None]) -> None:
        self.callbacks[name] = callback

    async def send(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        return {"bufferedData": ""}

    def tell(self, message: dict[str, Any]) -> None:
        self.callbacks[message["method"]](message["params"])


class Sending:
    """A message that goes out by itself, claimed as `chat.sending` does it."""

    via: SentVia = "page"

    def __init__(self, chat: HuggingChat) -> None:
        self.turn: Turn | None = None
        self._tracker = chat._tracker

    async def send(self, emitter: Emitter) -> Turn:
        claim = Claim(
            self._tracker,
            page_id="p",
            conversation_id=CONVERSATION,
            via=self.via,
            listener=emitter.emit,
            generation_id=GENERATION,
        )
        self.turn = await claim.turn
        await asyncio.Event().wait()  # this is not about its end
        return self.turn

    def stop(self) -> None:
        return


class Rig:
    """A message was sent, and its answer begins. `tell` hands over the next message of the browser."""

    def __init__(self, chat: HuggingChat, driver: DriverSession, reply: Reply) -> None:
        self.chat, self.reply = chat, reply
        self.tell = driver.tell


@contextlib.asynccontextmanager
async def open_rig(**settings: Any) -> AsyncIterator[Rig]:
    """A rig in this event loop."""
    chat = HuggingChat(base_url="https://chat.test/chat", **settings)
    if chat._recorder is not None:
        chat._recorder.begin()
    conversation = Conversation(chat, CONVERSATION)
    driver = DriverSession()
    session = PlaywrightSession(driver)  # type: ignore[arg-type]
    page = CdpPage("p", session, Pump(session, Tap("p", lambda url: True), chat._traffic.put), _nothing)
    session.on(page.receive)
    reply = Reply(CONVERSATION, Sending(chat), number=chat._tracker.take_number, upstream=conversation)
    await pause()
    sent = requests.send_message(CONVERSATION, "hello", "", GENERATION, timezone="UTC")
    driver.tell(
        cdp.request(
            url=f"https://chat.test/chat{sent.path}",
            headers={"Content-Type": "multipart/form-data; boundary=b"},
            hasPostData=True,
            postDataEntries=[{"bytes": b64encode(encode_form(sent.form or [], "b")).decode()}],
        )
    )
    driver.tell(cdp.response())
    await pause()
    yield Rig(chat, driver, reply)
    if chat._recorder is not None:
        await chat._recorder.close()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


async def pause() -> None:
    """Let what was handed over get to the handlers."""
    for _ in range(5):
        await asyncio.sleep(0)


def token_line(number: int) -> bytes:
    """A line with a token, padded as the app does it."""
    text = f"{number}@{1_760_000_000 + 0.02 * number:.3f} ".ljust(16, "\0")
    return json.dumps({"type": "stream", "token": text}, separators=(",", ":")).encode() + b"\n"


async def _nothing() -> None:
    return
