"""Finds out whether the app took a message, if the browser died while it was being sent.

The app's own data decides. If it has the message, the agent follows its answer to the end. Only if it does
not have the message may it be sent again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from huggingchat_agent.errors import AgentError, BrowserClosed
from huggingchat_agent.turn.app_protocol import read_conversation
from huggingchat_agent.turn.written import find_new

if TYPE_CHECKING:
    from collections.abc import Collection

    from huggingchat_agent.turn.app_protocol import App
    from huggingchat_agent.turn.tracker import Claim, TurnTracker
    from huggingchat_agent.turn.turn import Turn

# A message is stored before its answer begins, so there is not much to wait for.
READS = 3
PAUSE = 0.5  # seconds


async def find_turn(
    app: App, tracker: TurnTracker, claim: Claim, request: dict[str, Any], known: Collection[str]
) -> Turn | None:
    """The turn of the message, which goes on from what the app has stored; None if the app does not have it.

    `request` has the fields that were posted, `known` are the messages of the conversation before that.
    Raises BrowserClosed if it cannot be known whether the app has it.
    """
    found = None
    try:
        for attempt in range(READS if app.recovers else 0):
            if attempt:
                await asyncio.sleep(PAUSE)
            read = await read_conversation(app, claim.conversation_id)
            if found := find_new(read, request, known):
                break
    except AgentError as error:
        why = f" The conversation could not be read: {error.message}"
    else:
        if found is not None:
            named = {**request, "generationId": found.generation_id or request.get("generationId")}
            return tracker.adopt(claim, named, "the browser went away")
        if app.recovers:
            return None
        why = ""
    raise BrowserClosed(
        "The browser or its tab went away while the message was being sent. It may have reached the app: "
        f"read the conversation before you send it again.{why}"
    )
