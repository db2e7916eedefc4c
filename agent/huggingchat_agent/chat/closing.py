"""The steps that close a chat, before and after its browser ends."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from huggingchat_agent.errors import AgentError, BrowserError
from huggingchat_agent.session.account import read_account

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from huggingchat_agent.chat.conversation import Conversation
    from huggingchat_agent.chat.reply import Reply
    from huggingchat_agent.emitter import Emitter
    from huggingchat_agent.session.session import Session

log = logging.getLogger("huggingchat_agent")

# Seconds that handlers get for their last events. One that needs more may never return. When the interpreter
# ends, it waits twice as long for a chat; the other half is for the remaining steps.
HANDLER_PATIENCE = 5.0


async def stop(replies: Iterable[Reply]) -> None:
    """Stop what is still answering."""
    await asyncio.gather(*(reply.stop() for reply in list(replies) if not reply.done))


async def delete_temporary(session: Session, conversations: Iterable[Conversation]) -> None:
    """Delete the temporary ones on the server. A warning names those that remain."""
    temporary = [each for each in conversations if each.temporary]
    if session.lost:
        for each in temporary:
            _log_leftover(each, "the browser is gone")
        return
    outcomes = await asyncio.gather(*(each.delete() for each in temporary), return_exceptions=True)
    for conversation, outcome in zip(temporary, outcomes, strict=True):
        if isinstance(outcome, AgentError):
            _log_leftover(conversation, str(outcome))
        elif isinstance(outcome, BaseException):
            raise outcome


async def save_rolled(session: Session) -> None:
    """Save the session again: the app renews its cookie with use, so a session in daily use never expires."""
    if session.lost:
        return
    try:
        account = await read_account(session)
        if account.signed_in or not account.login_offered:
            await session.save()
    except BrowserError:
        pass  # the browser is just closing; the session saved earlier is still valid
    except AgentError as error:
        log.warning("The session could not be saved again: %s", error)


async def drain(emitters: Sequence[Emitter]) -> None:
    """Wait until all handlers have returned, within HANDLER_PATIENCE."""
    await asyncio.gather(*(each._drain_handlers(within=HANDLER_PATIENCE) for each in emitters))


def _log_leftover(conversation: Conversation, reason: str) -> None:
    log.warning("Temporary conversation %s is still on the server: %s", conversation.id, reason)
