"""Closes the app's welcome for an account. While it is open, its moving picture takes half a processor.

`python -m tests.bench.welcome` does it for the account of the environment.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from huggingchat_agent import HuggingChat
from huggingchat_agent.exchange import Responded, Started

if TYPE_CHECKING:
    from huggingchat_agent.events import Seen

PATIENCE = 60.0  # seconds


async def close_welcome(chat: HuggingChat) -> None:
    """Send a message by ui, and wait until the page has stored that the welcome is closed.

    The page does that 0.3 s after the press, when an answer of the stand-in is already over.
    """
    posts: set[str] = set()
    stored = asyncio.Event()

    def see(event: Seen) -> None:
        seen = event.exchange
        if isinstance(seen, Started) and seen.method == "POST" and seen.url.endswith("/settings"):
            posts.add(seen.exchange_id)
        elif isinstance(seen, Responded) and seen.exchange_id in posts:
            stored.set()

    if (await chat.preferences()).extra.get("welcomeModalSeen", True):  # older builds have none
        return
    chat.on("exchange", see)
    await (await chat.new_conversation()).send("hello", via="ui")
    await asyncio.wait_for(stored.wait(), PATIENCE)
    chat.off("exchange", see)


async def main() -> None:
    async with HuggingChat() as chat:
        await chat.login()
        await close_welcome(chat)


if __name__ == "__main__":
    asyncio.run(main())
