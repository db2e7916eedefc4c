"""Delivers events of the agent itself: to the reply that they concern, and on to the chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from huggingchat_agent.chat.conversation import Conversation
    from huggingchat_agent.chat.reply import Reply
    from huggingchat_agent.emitter import Emitter
    from huggingchat_agent.events import AnyAgentEvent


def publish(
    chat: Emitter, replies: Iterable[Reply], conversations: Mapping[str, Conversation], event: AnyAgentEvent
) -> None:
    """Emit it to the running reply of its conversation, or else further up.

    An event without a conversation goes to every running reply.
    """
    coming = [each for each in replies if not each.done]
    if not event.conversation_id:
        for each in coming:
            each.emit(event, bubbles=False)
    mine = (each for each in coming if each.conversation_id == event.conversation_id)
    reply: Emitter | None = next(mine, None)
    (reply or conversations.get(event.conversation_id) or chat).emit(event)
