"""How many Python functions are called between the driver's callback and a user's handler, for one token.

A recorded answer is handed over line by line as a driver does, through all that a message sent by page
runs through: CDP session, page, pump, tap, traffic, turn, reply, conversation and chat. No browser is
started. What the event loop calls by itself is not counted.

    scripts/token-path          prints the calls
"""

from __future__ import annotations

import asyncio
import sys
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from huggingchat_agent import HuggingChat
from huggingchat_agent.browser.page import CdpPage
from huggingchat_agent.browser.playwright_session import PlaywrightSession
from huggingchat_agent.browser.pump import Pump
from huggingchat_agent.chat.conversation import Conversation
from huggingchat_agent.chat.reply import Reply
from huggingchat_agent.turn.tracker import Claim
from huggingchat_agent.wire import multipart, requests
from huggingchat_agent.wire.tap import Tap
from tests.wire import cdp
from tests.wire.recordings import read_exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.choices import SentVia
    from huggingchat_agent.emitter import Emitter
    from huggingchat_agent.turn.turn import Turn

CONVERSATION = "0123456789abcdef01234567"
GENERATION = "6f1c0c0e-7f0b-4d29-9c5b-0d6f3b1e2a11"
RECORDED = ("2026-08", "stop", 1)  # 65 tokens
# What the event loop calls by itself, and this module.
ASIDE = (
    *("asyncio/base_events.py", "asyncio/events.py", "asyncio/selector_events.py", "asyncio/tasks.py"),
    *("selectors.py", __file__),
)


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


class Counter:
    """Names the calls from `begin` to `end`."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.tokens: list[list[str]] = []

    def begin(self) -> None:
        self.calls = []
        sys.setprofile(self._note)

    def end(self) -> None:
        sys.setprofile(None)
        self.tokens.append(self.calls)

    def _note(self, frame: Any, event: str, argument: object) -> None:
        code = frame.f_code
        if event == "call" and not code.co_filename.endswith(ASIDE):
            self.calls.append(f"{code.co_filename.rpartition('/')[2]}:{code.co_qualname}")


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


async def measure() -> list[list[str]]:
    """The calls of each token of the recorded answer, in order."""
    chat = HuggingChat(base_url="https://chat.test/chat")
    conversation = Conversation(chat, CONVERSATION)
    driver, counter = DriverSession(), Counter()
    session = PlaywrightSession(driver)  # type: ignore[arg-type]
    page = CdpPage("p", session, Pump(session, Tap("p", lambda url: True), chat._traffic.put), _nothing)
    session.on(page.receive)

    reply = Reply(CONVERSATION, Sending(chat), number=chat._tracker.take_number, upstream=conversation)
    text: list[str] = []

    @chat.on("token")
    def handle(event: Any) -> None:
        counter.end()
        text.append(event.text)

    sent = requests.send_message(CONVERSATION, "hello", "", GENERATION, timezone="UTC")
    driver.tell(
        cdp.request(
            url=f"https://chat.test/chat{sent.path}",
            headers={"Content-Type": "multipart/form-data; boundary=b"},
            hasPostData=True,
            postDataEntries=[{"bytes": b64encode(multipart.encode_form(sent.form or [], "b")).decode()}],
        )
    )
    driver.tell(cdp.response())
    await _pause()
    for line in (read_exchange(*RECORDED).body or b"").splitlines(keepends=True):
        message = cdp.data(len(line), line)
        counter.begin()
        driver.tell(message)
        await _pause()
        sys.setprofile(None)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    assert reply.text == "".join(text)
    return counter.tokens


async def _pause() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def _nothing() -> None:
    return


def main() -> None:
    first, *others = asyncio.run(measure())
    sys.stdout.write("\n".join([*others[-1], ""]))
    counts = sorted({len(each) for each in others})
    sys.stdout.write(f"{', '.join(map(str, counts))} calls for each of {len(others)} tokens, ")
    sys.stdout.write(f"{len(first)} for the first, where reasoning is looked for.\n")


if __name__ == "__main__":
    main()
