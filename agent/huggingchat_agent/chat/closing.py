"""What is left to do before a chat is closed, and after its browser is gone."""

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

# Seconds that handlers get for their last events. One that needs more may never return. The end of an
# interpreter waits twice as long for a chat, and half of that must be left for the rest.
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
    """The app renews its cookie as it is used: one that is used every day must not run out."""
    if session.lost:
        return
    try:
        account = await read_account(session)
        if account.signed_in or not account.login_offered:
            await session.save()
    except BrowserError:
        pass  # it is just going away; the session saved before still stands
    except AgentError as error:
        log.warning("The session could not be saved again: %s", error)


async def drain(emitters: Sequence[Emitter]) -> None:
    """Let handlers come to their end, all of them within HANDLER_PATIENCE."""
    await asyncio.gather(*(each._drain_handlers(within=HANDLER_PATIENCE) for each in emitters))


def _log_leftover(conversation: Conversation, reason: str) -> None:
    log.warning("Temporary conversation %s is still on the server: %s", conversation.id, reason)
