"""The steps that close a chat, before and after its browser ends. All of them take ten seconds at most."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from huggingchat_agent import redact
from huggingchat_agent.errors import AgentError, BrowserError
from huggingchat_agent.log_records import log
from huggingchat_agent.session.account import read_account

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from huggingchat_agent.chat.conversation import Conversation
    from huggingchat_agent.chat.reply import Reply
    from huggingchat_agent.emitter import Emitter
    from huggingchat_agent.session.session import Session


# Seconds for everything. When the interpreter ends, it waits a little longer for a chat.
CLOSE_SECONDS = 10.0
# Seconds for requests to the app at the end. Longer is not worth it: a run ends by itself.
APP_PATIENCE = 4.0
# If the app has not answered a call before.
UNHEARD_PATIENCE = 0.5
# Seconds that handlers get for their last events, if there is time. One that needs more may never return.
HANDLER_PATIENCE = 5.0
LEAST_PATIENCE = 0.5


class Ends:
    """When the close must be over."""

    def __init__(self) -> None:
        self._at = time.monotonic() + CLOSE_SECONDS

    @property
    def left(self) -> float:
        """Seconds that are left; always above 0."""
        return max(self._at - time.monotonic(), LEAST_PATIENCE)


async def end_at_app(
    session: Session, replies: Iterable[Reply], conversations: Iterable[Conversation], *, save: bool
) -> bool:
    """Stop running replies, delete temporary conversations, save the session as it is now.

    Returns whether the app answered in time. If not, a warning says what may remain there.
    """
    running = [each for each in replies if not each.done]
    temporary = [each for each in conversations if each.temporary]
    try:
        async with asyncio.timeout(UNHEARD_PATIENCE if session.unheard else APP_PATIENCE):
            await asyncio.gather(*(reply.stop() for reply in running))
            await _delete(session, temporary)
            if save:
                await _save_rolled(session)
    except TimeoutError:
        log.warning(
            "%s does not answer. The chat is closed without it.", redact.address(session.settings.base_url)
        )
        for reply in running:
            if not reply.done:
                log.warning("The run in %s may go on at the app.", reply.conversation_id)
        for each in temporary:
            if not each.deleted:
                _log_leftover(each, "the app does not answer")
        return False
    return True


async def _delete(session: Session, temporary: Sequence[Conversation]) -> None:
    """Delete conversations on the server. A warning names those that remain."""
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


async def _save_rolled(session: Session) -> None:
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


async def drain(emitters: Sequence[Emitter], ends: Ends) -> None:
    """Wait until all handlers have returned, within HANDLER_PATIENCE."""
    patience = min(HANDLER_PATIENCE, ends.left)
    await asyncio.gather(*(each._drain_handlers(within=patience) for each in emitters))


def _log_leftover(conversation: Conversation, reason: str) -> None:
    log.warning("Temporary conversation %s is still on the server: %s", conversation.id, reason)
