"""Answers a tool's question to the user.

The event with the question is a value, like all events: it can be saved, compared and played back, and holds
no connection. Answering needs one, so it has its own object, bound to the conversation.
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
        async def answer_tool(event):
            await conversation.elicitation(event).answer({"name": "Ada"})

    A run that waits (`question.expires_at`) goes on in the same stream once the question is answered, and the
    methods return None. A run that parked has ended its stream, and its answer has the `finish_reason`
    "elicitation". Answering then starts the rest of it, as a Reply of its own. The app writes the rest into
    the same message, and the new Answer holds all of that message.
    """

    def __init__(self, conversation: Conversation, question: Question) -> None:
        self.question = question
        self._conversation = conversation

    def __repr__(self) -> str:
        return f"<Elicitation of {self.question.server or 'a tool'!r}: {self.question.message!r}>"

    async def answer(self, content: Mapping[str, Value] | None = None) -> Reply | None:
        """Answer the fields by name. A visit to an address (mode "url") takes no fields.

        A field that you leave out gets its default, if it has one. Raises UsageError for values that do not
        fit, before anything is sent; ChatError if the question was answered before or has expired.
        """
        if self.question.mode == "form":
            return await self._settle(
                "accept", elicitations.check_answer(self.question.fields, content or {})
            )
        if content:
            raise UsageError(f"This question asks for a visit to {self.question.url}, and takes no fields.")
        return await self._settle("accept")

    async def decline(self) -> Reply | None:
        """Refuse to answer. The app tells the tool. Raises ChatError as `answer` does."""
        return await self._settle("decline")

    async def dismiss(self) -> Reply | None:
        """Close the question undecided. The app tells the tool. Raises ChatError as `answer` does."""
        return await self._settle("cancel")

    async def _settle(self, action: str, content: dict[str, Any] | None = None) -> Reply | None:
        conversation = self._conversation
        request = requests.answer_elicitation(conversation.id, self.question.elicitation_id, action, content)
        try:
            response = lenient_json.load(await conversation._ask(request))
        except ValueError:
            raise PageChanged(
                "The app took the answer to its tool's question, but its response is not JSON."
            ) from None
        if not (isinstance(response, dict) and response.get("resume")):
            return None
        await self._wait_until_parked()
        message = _find_asking_message(await conversation.read(), self.question.elicitation_id)
        return conversation._resume(message, self.question.elicitation_id)

    async def _wait_until_parked(self) -> None:
        """Wait for the end of the turn that asked: the rest is a turn of its own."""
        reply = self._conversation._running
        if reply is not None:
            over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            reply._call_when_done(lambda: None if over.done() else over.set_result(None))
            await over


def _find_asking_message(read: ConversationRead, elicitation_id: str) -> str:
    """The id of the message that asked the question."""
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


def read_question(event: ElicitationRequested) -> Question:
    """The question in an event."""
    return Question(**{name: getattr(event, name) for name in Question.__struct_fields__})
