"""The requests that a warm session answers: the methods of HuggingChat and Conversation that commands use."""

from __future__ import annotations

import base64
import contextlib
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.artifact import Artifact
from huggingchat_agent.chat.chat import get_session
from huggingchat_agent.errors import AgentError
from huggingchat_agent.events import ElicitationRequested
from huggingchat_agent.setting_values import Deadlines
from huggingchat_agent.warm.protocol import Talk
from huggingchat_agent.warm.results import Entries, ModelList, ToolList, unpack_tools
from huggingchat_agent.wire.tools import ToolServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from huggingchat_agent.chat.conversation import Conversation
    from huggingchat_agent.chat.deploying import Deployment
    from huggingchat_agent.chat.reply import Reply
    from huggingchat_agent.huggingchat import HuggingChat
    from huggingchat_agent.wire.conversations import ConversationSummary

_PAGE = 30  # conversations of a list at a time


class CommandObjects:
    """The objects of one command: the shared chat, and conversations and lists of its own."""

    def __init__(self, chat: HuggingChat) -> None:
        self.chat = chat
        self._temporary: list[Conversation] = []
        self._lists: dict[int, AsyncIterator[ConversationSummary]] = {}

    def find(self, talk: str) -> Conversation:
        """The conversation of that id."""
        return self.chat.conversation(talk)

    async def release(self) -> None:
        """Delete the temporary conversations that the command left behind."""
        for each in self._temporary:
            with contextlib.suppress(AgentError):
                await each.delete()
        self._temporary.clear()

    async def new_conversation(self, temporary: bool = False, **given: Any) -> Talk:
        made = await self.chat.new_conversation(temporary=temporary, **given)
        if temporary:
            self._temporary.append(made)
        return _describe(made)

    async def conversation(self, which: str) -> Talk:
        return _describe(self.find(which))

    async def import_share(self, link: str) -> Talk:
        return _describe(await self.chat.import_share(link))

    async def conversations(self, number: int) -> Entries:
        """The next conversations of that list. A new number begins another list."""
        entries = self._lists.setdefault(number, self.chat.conversations())
        found: list[ConversationSummary] = []
        while len(found) < _PAGE and (each := await anext(entries, None)) is not None:
            found.append(each)
        return Entries(entries=found, more=len(found) == _PAGE)

    async def models(self, **given: Any) -> ModelList:
        found = await self.chat.models(**given)
        return ModelList(entries=list(found), source=found.source)

    async def tools(self, own: list[Any], **given: Any) -> ToolList:
        servers = [each for each in unpack_tools(own) or [] if isinstance(each, ToolServer)]
        found = await self.chat.tools(own=servers, **given)
        return ToolList(entries=list(found), source=found.source, missing=found.missing)

    async def transcribe(self, audio: list[str]) -> str:
        name, data, mime = audio
        return await self.chat.transcribe((name, base64.b64decode(data), mime))

    async def routes(self) -> list[str]:
        """The route of each request so far that has alternatives."""
        return get_session(self.chat).calls.alternatives.describe()

    async def change_model(self, talk: str, model: str) -> str:
        conversation = self.find(talk)
        await conversation.change_model(model)
        return conversation.model or ""

    async def send(
        self,
        talk: str,
        deadlines: Any,
        prompt: str,
        files: list[list[str]],
        tools: list[Any] | None,
        **given: Any,
    ) -> Reply:
        uploads = [(name, base64.b64decode(data), mime) for name, data, mime in files]
        conversation = self._find(talk, deadlines)
        return conversation.send(prompt, files=uploads, tools=unpack_tools(tools), **given)

    async def retry(self, talk: str, deadlines: Any, **given: Any) -> Reply:
        return self._find(talk, deadlines).retry(**given)

    async def edit(self, talk: str, deadlines: Any, **given: Any) -> Reply:
        return self._find(talk, deadlines).edit(**given)

    def _find(self, talk: str, deadlines: Any) -> Conversation:
        """The conversation, for a turn with the deadlines of this command."""
        conversation = self.find(talk)
        # Not passed in: all commands share the conversation, and its public methods take no deadlines.
        conversation._deadlines = msgspec.convert(deadlines, Deadlines)
        return conversation

    async def deploy(self, talk: str, artifact: Any, **given: Any) -> Deployment:
        return await self.find(talk).deploy(msgspec.convert(artifact, Artifact), **given)

    async def settle(self, talk: str, event: Any, how: str, content: Any) -> Reply | None:
        question = self.find(talk).elicitation(msgspec.convert(event, ElicitationRequested))
        if how == "answer":
            return await question.answer(content)
        return await (question.decline() if how == "decline" else question.dismiss())


def _describe(conversation: Conversation) -> Talk:
    return Talk(id=conversation.id, model=conversation.model, url=conversation.url)


# Those that start a reply.
STARTING: dict[str, Callable[..., Awaitable[Reply | None]]] = {
    "send": CommandObjects.send,
    "retry": CommandObjects.retry,
    "edit": CommandObjects.edit,
    "settle": CommandObjects.settle,
}
VERBS: dict[str, Callable[..., Awaitable[Any]]] = {
    "new_conversation": CommandObjects.new_conversation,
    "conversation": CommandObjects.conversation,
    "import_share": CommandObjects.import_share,
    "conversations": CommandObjects.conversations,
    "models": CommandObjects.models,
    "tools": CommandObjects.tools,
    "fetch_file": lambda objects, url: objects.chat.fetch_file(url),
    "transcribe": CommandObjects.transcribe,
    "billing": lambda objects: objects.chat.billing(),
    "routes": CommandObjects.routes,
    "change_model": CommandObjects.change_model,
    "status": lambda objects: objects.chat.status(),
    "preferences": lambda objects: objects.chat.preferences(),
    "change_preferences": lambda objects, **changes: objects.chat.change_preferences(**changes),
    "delete_conversations": lambda objects, **given: objects.chat.delete_conversations(**given),
    "export_cookies": lambda objects, **given: objects.chat.export_cookies(**given),
    "read": lambda objects, talk: objects.find(talk).read(),
    "messages": lambda objects, talk: objects.find(talk).messages(),
    "artifacts": lambda objects, talk: objects.find(talk).artifacts(),
    "deploy": CommandObjects.deploy,
    "rename": lambda objects, talk, title: objects.find(talk).rename(title),
    "share": lambda objects, talk: objects.find(talk).share(),
    "export": lambda objects, talk, form: objects.find(talk).export(form),
    "delete": lambda objects, talk: objects.find(talk).delete(),
    "file": lambda objects, talk, sha: objects.find(talk).file(sha).read(),
}
