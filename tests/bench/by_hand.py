"""The program that one would write by hand: Playwright fills in the page and presses Enter.

`ByHand` has a browser of its own and polls the text that the page shows. `fill_and_press` types into the tab
that the agent uses, and gets the tokens from the agent, so that only the gesture differs from ui.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from typing import TYPE_CHECKING, Any

from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from huggingchat_agent import HuggingChat

POLL = 0.02  # seconds
PATIENCE = 60.0  # seconds without a word of the answer

# The words that the stand-in says when it counts, and in a burst.
WORD = re.compile(r"\d+@[\d.]+(?=\s)|burst\d+(?=\s)")

# The text of the last message and its id. A blank stands for what may follow.
LAST = """() => {
  const last = [...document.querySelectorAll("[data-message-id]")].at(-1);
  return [(last?.textContent ?? "") + " ", last?.dataset.messageId ?? ""];
}"""


class ByHand:
    """One tab on the page of a conversation."""

    def __init__(self, page: Any) -> None:
        self.page = page

    async def open(self, url: str) -> None:
        """Open the page, and wait until its scripts run: until Send is enabled by a text."""
        await self.page.goto(url)
        field = self.page.get_by_placeholder("Ask anything")
        send = self.page.get_by_role("button", name="Send message", exact=True)
        welcome = self.page.get_by_role("dialog").get_by_role("button")
        while not await send.is_enabled():
            if await welcome.count():
                await welcome.last.click()
            await field.fill("")
            await field.fill("x")
            await asyncio.sleep(POLL)

    async def send(self, prompt: str, tokens: int, on_token: Callable[[str], None]) -> None:
        """Send, and call back for each word of the answer as the page shows it; `tokens` is how many come."""
        field = self.page.get_by_placeholder("Ask anything")
        before = (await self.page.evaluate(LAST))[1]
        await field.fill(prompt)
        await field.press("Enter")
        count, last = 0, time.monotonic()
        while count < tokens:
            text, message_id = await self.page.evaluate(LAST)
            words = WORD.findall(text) if message_id != before else []
            for word in words[count:]:
                on_token(word)
                last = time.monotonic()
            count = max(count, len(words))
            if time.monotonic() - last > PATIENCE:
                raise TimeoutError(f"{count} of {tokens} words came, and none for {PATIENCE:g} s.")
            await asyncio.sleep(POLL)


async def wait_until_shown(page: Any, message_id: str) -> None:
    """Wait until the page knows the stored answer. The app refuses a message that follows another one."""
    async with asyncio.timeout(PATIENCE):
        while (await page.evaluate(LAST))[1] != message_id:  # noqa: ASYNC110  # a page has no such event
            await asyncio.sleep(POLL)


def find_page(chat: HuggingChat, conversation_id: str) -> Any:
    """The tab that the agent has for the conversation, as Playwright's page."""
    browser: Any = chat._session.browser
    return next(each for each in browser._context.pages if conversation_id in each.url)


@contextlib.asynccontextmanager
async def by_hand(path: str, state: Any) -> AsyncIterator[ByHand]:
    """A tab in a browser of its own, with that session."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path)
        context = await browser.new_context(storage_state=state, ignore_https_errors=True)
        try:
            yield ByHand(await context.new_page())
        finally:
            await browser.close()


async def fill_and_press(
    chat: HuggingChat, conversation_id: str, prompt: str, on_token: Callable[[str], None]
) -> None:
    """Send in the tab of the conversation, which is open; return when the answer is complete."""
    page = find_page(chat, conversation_id)
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    handlers = {
        "token": lambda event: on_token(event.text),
        "finished": lambda event: over.set_result(None),
        "failed": lambda event: over.set_exception(RuntimeError(event.message)),
    }
    conversation: Any = chat.conversation(conversation_id)
    for name, handler in handlers.items():
        conversation.on(name, handler)
    field = page.get_by_placeholder("Ask anything")
    await field.fill(prompt)
    await field.press("Enter")
    async with asyncio.timeout(PATIENCE):
        await over
    for name, handler in handlers.items():
        conversation.off(name, handler)
