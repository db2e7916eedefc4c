"""Answering what a tool asks the user.

The event that tells of a question is a value like all events: it can be written down, compared and
played back, and holds no connection. What can be done with it needs one, so that is an object of
its own, bound to its conversation.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from huggingchat_agent.errors import PageChanged, UsageError
from huggingchat_agent.question import Question
from huggingchat_agent.wire import elicitations, lenient_json, requests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from huggingchat_agent.chat.conversation import Conversation
    from huggingchat_agent.chat.reply import Reply
    from huggingchat_agent.events import ElicitationRequested
    from huggingchat_agent.wire.conversations import ConversationRead
    from huggingchat_agent.wire.elicitations import Value


class Elicitation:
    """A question of a tool, from `conversation.elicitation(event)` or `conversation.elicitations()`.

        @reply.on("elicitation")
        async def asked(event):
            await conversation.elicitation(event).answer({"name": "Ada"})

    A run that waits (`question.expires_at`) goes on in the same stream once it is answered, and the
    methods return None. One that parked has ended its stream, and its answer `finish_reason`
    "elicitation": answering then starts the rest of it, as a Reply of its own. It is written into the
    same message, and its Answer holds the whole of that.
    """

    def __init__(self, conversation: Conversation, question: Question) -> None:
        self.question = question
        self._conversation = conversation

    async def answer(self, content: Mapping[str, Value] | None = None) -> Reply | None:
        """Give what is asked for, by field name; nothing for the visit of an address (mode "url").

        A field left out gets its default, if it has one. Raises UsageError for what does not fit the
        fields, before anything is sent; ChatError if it was answered before, or its time is over.
        """
        if self.question.mode == "form":
            return await self._settle(
                "accept", elicitations.check_answer(self.question.fields, content or {})
            )
        if content:
            raise UsageError(f"This asks for a visit to {self.question.url}, and takes no fields.")
        return await self._settle("accept")

    async def decline(self) -> Reply | None:
        """Say that it will not be answered; the tool is told so. Raises ChatError as `answer` does."""
        return await self._settle("decline")

    async def dismiss(self) -> Reply | None:
        """Put it away without a decision; the tool is told that, too. Raises ChatError as `answer` does."""
        return await self._settle("cancel")

    async def _settle(self, action: str, content: dict[str, Any] | None = None) -> Reply | None:
        conversation = self._conversation
        request = requests.answer_elicitation(conversation.id, self.question.elicitation_id, action, content)
        try:
            told = lenient_json.load(await conversation.ask(request))
        except ValueError:
            raise PageChanged("The app took the answer to its tool's question, and said no JSON.") from None
        if not (isinstance(told, dict) and told.get("resume")):
            return None
        await self._until_parked()
        message = _asked_in(await conversation.read(), self.question.elicitation_id)
        return conversation.resume(message, self.question.elicitation_id)

    async def _until_parked(self) -> None:
        """Wait for the end of the turn that asked: the rest is a turn of its own."""
        reply = self._conversation.running
        if reply is not None:
            over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            reply.when_done(lambda: None if over.done() else over.set_result(None))
            await over


def _asked_in(read: ConversationRead, elicitation_id: str) -> str:
    """The id of the message in which it was asked."""
    for message in reversed(read.messages):
        if any(
            asked.elicitation_id == elicitation_id
            for asked in elicitations.find_open_questions(message.updates)
        ):
            return message.id
    raise UsageError(
        f"Conversation {read.id} does not hold the question {elicitation_id} any more, so its answer cannot "
        "go on."
    )


def asked(event: ElicitationRequested) -> Question:
    """The question that an event tells of."""
    return Question(**{name: getattr(event, name) for name in Question.__struct_fields__})
