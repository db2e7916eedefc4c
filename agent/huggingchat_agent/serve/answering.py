"""Asks the app: continues a conversation or makes one, and yields the answer in pieces."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec

from huggingchat_agent import events
from huggingchat_agent.agent_events import log_events
from huggingchat_agent.errors import AgentError, AnswerInvalid, ChatError, UsageError
from huggingchat_agent.log_records import log
from huggingchat_agent.serve.question import (
    Message,
    Outcome,
    Piece,
    Question,
    Text,
    Thought,
    estimate_tokens,
    format_history,
)
from huggingchat_agent.serve.refusals import Refusal
from huggingchat_agent.serve.shaping import Shaper, write_instructions
from huggingchat_agent.serve.threads import Thread, Threads, hash_messages, split_at_last_answer
from huggingchat_agent.serve.tool_format import describe_tools
from huggingchat_agent.wire.models import pick_model

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from huggingchat_agent.answer import Answer
    from huggingchat_agent.chat.chat import Chat
    from huggingchat_agent.chat.conversation import Conversation
    from huggingchat_agent.chat.reply import Reply
    from huggingchat_agent.serve.limiter import Limiter

ONE_SHOT_AGE = 900.0  # seconds until a conversation of one turn is deleted
_TASK = "### Task:"  # how Open WebUI begins its own requests for titles, tags and follow-ups


class Answerer:
    """Answers questions in an open, signed-in chat. With `keep`, no conversation is deleted."""

    def __init__(self, chat: Chat, threads: Threads, limiter: Limiter, *, keep: bool = False) -> None:
        self.chat, self.limiter = chat, limiter
        self._threads, self._keep = threads, keep
        self._busy: set[str] = set()  # conversations that are answering

    async def resolve_model(self, question: Question) -> Question:
        """The question with the id of the model that it names. Raises UnknownModel, and as `Chat.models`."""
        model = pick_model(await self.chat.models(), question.model).id
        return msgspec.structs.replace(question, model=model)

    async def answer(self, question: Question, scope: str) -> AsyncGenerator[Piece, None]:
        """The pieces of the answer, an Outcome last. If the caller stops, so does the run on the server. The
        question names its model by id. `scope` is the client: only it can continue its conversations. Raises
        Refusal or AgentError.
        """
        scope = f"{scope} {self.chat.settings.base_url} {question.model}"
        if question.tools:  # the system prompt describes them
            scope += describe_tools(question.tools)
        task = len(question.messages) == 1 and question.messages[0].text.startswith(_TASK)
        async with self.limiter.take():
            sent = await self._continue(question, scope) or await self._begin(question)
            try:
                async for piece in self._follow(sent, question):
                    if isinstance(piece, Outcome) and not task:
                        self._remember(sent, question, scope, piece)
                    yield piece
            finally:
                self._busy.discard(sent.conversation.id)
                if not self._keep and (task or not sent.recorded):
                    await self._discard(sent)

    async def delete_one_shots(self, age: float = ONE_SHOT_AGE) -> None:
        """Delete conversations of one turn that nobody continued."""
        for each in [] if self._keep else self._threads.find_one_shots(age):
            if each not in self._busy:
                self._threads.forget(each)
                await _delete(self.chat.conversation(each))

    async def _continue(self, question: Question, scope: str) -> _Sent | None:
        """Send the new messages to the conversation that has the others, if there is one."""
        before, new = split_at_last_answer(question.messages)
        prefix = hash_messages(scope, before)
        known = self._threads.find(prefix) if before and new else None
        if known is None or known.conversation in self._busy or any(each.role == "system" for each in new):
            return None
        self._busy.add(known.conversation)
        try:
            reply = await self._send_next(known, new, write_instructions(question))
        except BaseException:
            self._busy.discard(known.conversation)
            raise
        if reply is None:
            self._busy.discard(known.conversation)
            return None
        conversation = self.chat.conversation(known.conversation)
        conversation.temporary = False  # it goes on, so its first end must not delete it
        return _Sent(conversation, reply, known.turns + 1, prefix)

    async def _send_next(self, known: Thread, new: tuple[Message, ...], instructions: str) -> Reply | None:
        """Send them after the answer that they follow. If another message follows it, they make a branch."""
        conversation = self.chat.conversation(known.conversation)
        prompt = format_history(new) + instructions
        files = _list_files(new)
        if known.follower:  # an edit keeps the files of the message that it replaces
            return None if files else conversation.edit(known.follower, prompt, via="page")
        try:
            if not await conversation._go_on_after(known.answer):  # somebody has continued it in the app
                return None
        except (ChatError, UsageError) as error:
            log.info("Conversation %s cannot go on (%s); a new one is made.", conversation.id, error.message)
            self._threads.forget(conversation.id)
            return None
        return conversation.send(prompt, via="page", files=files)

    async def _begin(self, question: Question) -> _Sent:
        prompt = format_history(question.messages)
        if not prompt.strip():
            raise Refusal(400, "The request has no user message with text.", param="messages")
        conversation = await self.chat.new_conversation(
            question.model, system_prompt=question.system, temporary=not self._keep
        )
        self._busy.add(conversation.id)
        prompt += write_instructions(question)
        reply = conversation.send(prompt, via="page", files=_list_files(question.messages))
        return _Sent(conversation, reply, 1)

    async def _follow(self, sent: _Sent, question: Question) -> AsyncGenerator[Piece, None]:
        shaper, shown = Shaper(question), []
        async with aclosing(_listen(sent.reply, shaper)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Text):
                    shown.append(piece.text)
                yield piece
        answers = [await sent.reply.answer()]
        shaped = shaper.end()
        if shaped.problem:
            sent.reply = sent.conversation.send(shaped.problem, via="page")
            async with aclosing(_listen(sent.reply)) as pieces:
                async for piece in pieces:
                    yield piece
            answers.append(await sent.reply.answer())
            shaped = shaper.end_again(answers[-1].text)
            if shaped.problem:
                raise AnswerInvalid(
                    f"The model's answer is still wrong after a second attempt: {shaped.why}."
                )
        if shaped.rest:
            shown.append(shaped.rest)
            yield Text(shaped.rest)
        sent.answer, sent.asked = answers[-1], answers[0].user_message_id
        text, reasoning = "".join(shown), "\n\n".join(each.reasoning for each in answers if each.reasoning)
        yield Outcome(
            model=question.model,
            text=text,
            reasoning=reasoning,
            calls=shaped.calls,
            finish=shaper.cutter.reason or "stop",
            stopped_by=shaper.cutter.stopped_by,
            sources=tuple(source for each in answers for source in each.sources),
            tools=tuple(tool for each in answers for tool in each.tools),
            prompt_tokens=estimate_tokens(*(each.content for each in question.messages)),
            completion_tokens=estimate_tokens(text, reasoning, *(each.arguments for each in shaped.calls)),
        )

    def _remember(self, sent: _Sent, question: Question, scope: str, outcome: Outcome) -> None:
        assert sent.answer is not None
        if not sent.answer.message_id:
            return
        messages = (*question.messages, Message("assistant", outcome.text, calls=outcome.calls))
        if sent.prefix and sent.asked:
            self._threads.set_follower(sent.prefix, sent.asked)
        self._threads.add(
            hash_messages(scope, messages), sent.conversation.id, sent.answer.message_id, turns=sent.turns
        )
        sent.recorded = True

    async def _discard(self, sent: _Sent) -> None:
        """Delete a conversation that nobody can continue, even if the caller is cancelled."""
        if sent.turns == 1:
            await asyncio.shield(asyncio.create_task(_delete(sent.conversation)))


class _Sent:
    """A message on its way. `prefix` is the hash of what it continues, "" in a new conversation."""

    def __init__(self, conversation: Conversation, reply: Reply, turns: int, prefix: str = "") -> None:
        self.conversation, self.reply = conversation, reply
        self.turns, self.prefix = turns, prefix
        self.answer: Answer | None = None
        self.asked = ""  # the id of the message that it answers
        self.recorded = False


async def _listen(reply: Reply, shaper: Shaper | None = None) -> AsyncGenerator[Text | Thought, None]:
    """The pieces that may be shown at once. It stops the run when the shaper needs no more."""
    log_events(reply)
    async with reply:
        async for event in reply:
            match event:
                case events.Token() if shaper is not None and (text := shaper.feed(event.text)):
                    yield Text(text)
                case events.Reasoning() if event.text:
                    yield Thought(event.text)
                case events.ElicitationRequested():
                    message = f"A tool asks a question, and nobody can answer it here: {event.message}"
                    raise Refusal(422, message, code="elicitation")
            if shaper is not None and shaper.over:
                return


async def _delete(conversation: Conversation) -> None:
    try:
        await conversation.delete()
    except AgentError as error:
        log.warning("Conversation %s could not be deleted: %s", conversation.id, error.message)


def _list_files(messages: tuple[Message, ...]) -> list[tuple[str, bytes, str]]:
    return [(each.name, each.data, each.mime) for message in messages for each in message.pictures]
