"""All conversations of the account: listing them, deleting many, importing a share."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from huggingchat_agent.errors import AgentError, UsageError
from huggingchat_agent.mistakes import async_for_only
from huggingchat_agent.user_text import require_text
from huggingchat_agent.wire import name_lookup, purposes, requests
from huggingchat_agent.wire.conversations import parse_list, parse_new_conversation

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from huggingchat_agent.chat.conversation import Conversation
    from huggingchat_agent.session.session import Session
    from huggingchat_agent.wire.conversations import ConversationPage, ConversationSummary
    from huggingchat_agent.wire.models import Model

_ID = re.compile(r"(?:^|/conversation/)([0-9a-f]{24})(?:[/?#]|$)")
_SHARE_ID = re.compile(r"(?:^|/r/|/conversation/)([A-Za-z0-9_-]{7})(?:[/?#]|$)")


@async_for_only
class Entries:
    """The conversations of the account, by `async for`."""

    def __init__(self, entries: AsyncGenerator[ConversationSummary]) -> None:
        self._entries = entries

    def __aiter__(self) -> Entries:
        return self

    async def __anext__(self) -> ConversationSummary:
        return await anext(self._entries)

    async def aclose(self) -> None:
        """Load no more."""
        await self._entries.aclose()


def parse_conversation_id(id_or_url: str) -> str:
    """The id in an id or an address. Raises UsageError for anything else."""
    if found := _ID.search(require_text("A conversation", id_or_url).strip()):
        return found[1]
    given = name_lookup.quote(id_or_url)
    if _SHARE_ID.search(id_or_url.strip()):
        raise UsageError(f"{given} is a share, not a conversation. Import it to have one of your own.")
    raise UsageError(f"Not a conversation: {given}. Give its 24-digit id, or the address of its page.")


async def iterate(session: Session) -> AsyncGenerator[ConversationSummary]:
    """The conversations, the last changed first. A page is loaded when its first entry is needed.

    Each comes once, even if the list grows meanwhile. If conversations are deleted meanwhile, others move up
    to pages that were read already, and are missed.
    """
    seen: set[str] = set()
    number, more = 0, True
    while more:
        page = await session.recovery.guard(functools.partial(_read_page, session, number, len(seen)))
        fresh = {each.id: each for each in page.conversations if each.id not in seen}
        seen.update(fresh)
        for each in fresh.values():
            yield each
        # A page with nothing new: an app without pages gives the same one for ever.
        more = page.has_more and bool(fresh)
        number += 1


async def _read_page(session: Session, number: int, before: int) -> ConversationPage:
    body = await session.calls.ask(requests.build(purposes.ListConversations(number)), recover=False)
    page = parse_list(body, before=before)
    if not page.conversations:
        await session.recovery.check()  # a stranger has none
    return page


async def delete_all_of(conversations: Sequence[Conversation], *, confirmed: int) -> None:
    """Delete these, in order. An error ends it, and says in a note how many were deleted before."""
    if confirmed != len(conversations):
        raise UsageError(
            f"You confirmed the deletion of {confirmed} conversations, but there are {len(conversations)}. "
            "None was deleted."
        )
    for number, each in enumerate(conversations):
        try:
            await each.delete()
        except AgentError as error:
            error.add_note(f"{number} of {len(conversations)} conversations were deleted before that.")
            raise


async def take_over(session: Session, id_or_link: str, models: Sequence[Model]) -> str:
    """Import a share, by its link or its 7-character id. Returns the id of the account's copy."""
    found = _SHARE_ID.search(require_text("A share", id_or_link).strip())
    if found is None:
        raise UsageError(
            f"Not a share: {name_lookup.quote(id_or_link)}. Give its link, or the 7 characters at its end."
        )
    request = requests.import_share(found[1], models[0].id if models else "")
    return parse_new_conversation(await session.ask(request))[0]
