"""Stopping a run at the app, and dropping its stream. An app or a page that hangs holds up neither."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from huggingchat_agent.errors import AgentError
from huggingchat_agent.log_records import log
from huggingchat_agent.wire import requests
from huggingchat_agent.wire.means import Means

if TYPE_CHECKING:
    from huggingchat_agent.turn.app_protocol import App


# Seconds for the app to take a stop.
STOP_PATIENCE = 4.0
REFUSED_PATIENCE = 1.0  # seconds for the end of the stream if the app has not taken the stop
DROP_PATIENCE = 2.0  # seconds


async def stop_run(app: App, conversation_id: str) -> bool:
    """Ask the app to stop the run. Returns whether it has taken the stop."""
    try:
        async with asyncio.timeout(STOP_PATIENCE):
            await app.ask(requests.stop_generating(conversation_id))
    except (AgentError, TimeoutError) as error:
        why = str(error) or f"the app did not answer within {STOP_PATIENCE:g} s"
        log.warning("The run in %s could not be stopped on the server: %s", conversation_id, why)
        return False
    app.note_means(Means.STOP_BY_REQUEST)
    return True


async def drop_stream(app: App, page_id: str, conversation_id: str, key: str | None) -> None:
    """Free the connection of a stream that does not end."""
    try:
        async with asyncio.timeout(DROP_PATIENCE):
            await app.drop_stream(page_id, conversation_id, key)
    except (AgentError, TimeoutError) as error:
        log.warning("The stream could not be dropped: %s", str(error) or "the page does not answer")
