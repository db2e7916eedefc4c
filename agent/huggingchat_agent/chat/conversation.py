"""One conversation: an id and the actions on it. It holds no page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from huggingchat_agent.answer import File
from huggingchat_agent.chat import deploying, export, uploads
from huggingchat_agent.chat import draft as drafts
from huggingchat_agent.chat import unsupported as options
from huggingchat_agent.chat.draft import ChosenTools, Continue, Draft, Edit, Next, Resume, Retry
from huggingchat_agent.chat.elicitation import Elicitation, read_question
from huggingchat_agent.chat.reply import Reply
from huggingchat_agent.chat.sending import Sending
from huggingchat_agent.choices import Via
from huggingchat_agent.emitter import Emitter
from huggingchat_agent.errors import AgentError, ChatError, UsageError
from huggingchat_agent.events import ElicitationRequested
from huggingchat_agent.log_records import log
from huggingchat_agent.mistakes import asyncio_only
from huggingchat_agent.parsing import parse_choice
from huggingchat_agent.turn import outputs
from huggingchat_agent.turn.app_protocol import read_conversation
from huggingchat_agent.user_text import require_text
from huggingchat_agent.wire import purposes, requests
from huggingchat_agent.wire.artifacts import read_branch
from huggingchat_agent.wire.conversations import parse_share
from huggingchat_agent.wire.elicitations import find_open_questions
from huggingchat_agent.wire.models import pick_model
from huggingchat_agent.wire.tools import ToolServer, check_own

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggingchat_agent.artifact import Artifact
    from huggingchat_agent.chat.chat import Chat
    from huggingchat_agent.chat.deploying import Deployment
    from huggingchat_agent.chat.export import Form
    from huggingchat_agent.chat.uploads import Given
    from huggingchat_agent.setting_values import Deadlines
    from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage
    from huggingchat_agent.wire.requests import Call

TITLE_LENGTH = 100


@asyncio_only()
class Conversation(Emitter):
    """Made by `HuggingChat.new_conversation` and `HuggingChat.conversation`.

    Handlers subscribed here get the events of its turns, also of those that a person starts in the page. A
    temporary conversation is deleted on the server at the end of its `async with` block, or else when the
    chat closes.

    A method that asks the app raises ChatError if the conversation is gone or belongs to another account. It
    may raise whatever a call of `HuggingChat` may.
    """

    def __init__(
        self, chat: Chat, conversation_id: str, *, model: str | None = None, temporary: bool = False
    ) -> None:
        super().__init__(upstream=chat)
        self.id = conversation_id
        self.model = model
        self.temporary = temporary
        self.deleted = False
        self._chat = chat
        self._reply: Reply | None = None  # until its last event
        self._ending: Reply | None = None  # the one before
        self._branching = False  # that reply makes a branch
        self._tools: tuple[ChosenTools, bool] = (None, False)  # of the last turn
        self._deadlines: Deadlines | None = None  # of its turns, None for those of the settings
        self._leaf: str | None = None  # a message on the branch to go on with, None for the one made last

    def __repr__(self) -> str:
        state = "deleted" if self.deleted else "answering" if self._reply else "ready"
        model = f" with {self.model}" if self.model else ""
        return f"<Conversation {self.id}{model}: {state}>"

    @property
    def url(self) -> str:
        """The address of its page."""
        return f"{self._chat.settings.base_url}/conversation/{self.id}"

    def send(
        self,
        prompt: str,
        *,
        via: Via | None = None,
        files: Sequence[Given] = (),
        tools: Sequence[str | ToolServer] | None = None,
        web_search: bool = False,
        **unsupported: object,
    ) -> Reply:
        """Send a message. Returns at once (see Reply).

        Line ends in the prompt become \\n, as the app stores them.

        `via` says how:

        * "ui" types into the page. After a failed answer the page takes no message until that answer is
          retried, so "ui" raises PageChanged then: `retry` it, or send by page.
        * "page" makes the same request inside the page.
        * "auto" uses ui, or page if it cannot find a control and nothing was sent yet. The event `degraded`
          says so. Messages after it then go by page at once, for five minutes or until one by ui works.
          A prompt of more than 2,000 lines or 300,000 characters goes by page, too.

        `files` are paths, (name, bytes), (name, bytes, media type), or open files that have a name. They are
        read at once.

        `tools` are the tool servers that are on for this turn, by id, name or an unambiguous part of one
        (`await chat.tools()` lists them), or your own: `ToolServer("name", "https://...", headers)`. [] turns
        all of them off. None leaves the choice to the app: all that it offers, unless a person switched some
        off in the page. `web_search` turns on the server that searches the web.
        A message with chosen tools goes by page only. The page itself would keep the choice, and the headers
        of your own servers, for all later turns.

        Raises FileRejected for a file that is missing, empty or larger than 10 MiB. A file of a type that the
        model does not take raises it when the reply is awaited, before anything is sent. Raises UsageError
        for an empty prompt, while a turn of this conversation is running, and for an option that the app does
        not have (`temperature`, `max_tokens`, ...).
        """
        options.refuse(unsupported)
        draft = Draft(
            prompt=_check_prompt(prompt),
            target=Next(self._leaf),
            uploads=uploads.read(files),
            tools=None if tools is None else _check_tools(tools),
            web_search=_check_flag("web_search", web_search),
        )
        return self._start(draft, via=via)

    def retry(self, message_id: str | None = None, *, via: Via | None = None) -> Reply:
        """Ask for another answer beside an old one, by default the last. Returns at once (see Reply).

        The conversation goes on from the new answer.
        """
        return self._start(Draft(target=Retry(message_id, self._leaf)), via=via)

    def edit(self, user_message_id: str, prompt: str, *, via: Via | None = None) -> Reply:
        """Replace a message of the user. Returns at once (see Reply).

        This makes a new branch beside the old one, with the old message's files. The conversation goes on
        from there.
        """
        return self._start(Draft(prompt=_check_prompt(prompt), target=Edit(user_message_id)), via=via)

    def continue_answer(self) -> Reply:
        """Ask for more of the last answer, which was cut off. Returns at once (see Reply).

        Only apps before autumn 2025 do this; on any other the reply raises UsageError. The tokens are the new
        part, `answer.text` is the whole. It goes by page. A stream that breaks is not resumed.
        """
        return self._start(Draft(target=Continue(self._leaf)), via="page")

    def _resume(self, message_id: str, elicitation_id: str) -> Reply:
        """Continue an answer that parked on a question; `Elicitation` calls this.

        The tools chosen for its last turn are on again.
        """
        target, tools = Resume(message_id, elicitation_id), self._tools
        return self._start(Draft(target=target, tools=tools[0], web_search=tools[1]))

    def _start(self, draft: Draft, *, via: Via | None = None) -> Reply:
        """Send a draft of `send`, `retry`, `edit` or `_resume`."""
        self._chat._check_open(loop_needed=True)
        if self.deleted:
            raise UsageError(f"Conversation {self.id} is deleted. Start a new one.")
        # If a handler of `finished` or `failed` calls this, the reply is just ending.
        ending = self._ending
        if self._reply is not None or (ending is None and self._chat._tracker.is_running(self.id)):
            raise UsageError(
                f"Conversation {self.id} is still answering. Await that reply, or stop it, before you send "
                "again."
            )
        draft = msgspec.structs.replace(draft, deadlines=self._deadlines)
        self._branching = draft.target.branches
        self._tools = (draft.tools, draft.web_search)
        chosen = parse_choice("via", via, Via, wrong=UsageError) if via else self._chat.settings.via
        if not self._chat._session.in_browser:
            chosen = "page"

        sending = Sending(self._chat, self.id, draft, chosen, after=ending)
        number = self._chat._tracker.take_number
        self._reply = reply = Reply(self.id, sending, number=number, upstream=self, prompt=draft.prompt)
        reply._call_when_over(self._end_reply)
        self._chat._replies.add(reply)
        return reply

    def elicitation(self, event: ElicitationRequested) -> Elicitation:
        """The question in an `elicitation` event of this conversation, to answer, decline or dismiss."""
        if not isinstance(event, ElicitationRequested):
            raise UsageError(f"Give the event `elicitation` of the question, not {event!r}.")
        return Elicitation(self, read_question(event))

    async def elicitations(self) -> list[Elicitation]:
        """The open questions of tools in this conversation, as the server stores them.

        So another process can resume a parked run later.
        """
        messages = (await self.read()).messages
        return [
            Elicitation(self, question)
            for message in messages
            for question in find_open_questions(message.updates)
        ]

    @property
    def _running(self) -> Reply | None:
        """The reply that is still coming, if one of ours is."""
        return self._reply

    async def _ask(self, request: Call) -> bytes:
        """Make a request about this conversation; the body of a success. For the modules beside this."""
        return await self._chat._session.ask(request, conversation_id=self.id)

    def file(self, file: File | str) -> File:
        """A file that the conversation holds, by its sha or from JSON, with the means to read it:
        `await conversation.file(sha).save("photo.png")`.
        """
        value = File(name=file[:12], sha=file, mime="") if isinstance(file, str) else file
        return outputs.bind(value, self._chat._session, self.id)

    async def messages(self) -> list[StoredMessage]:
        """The messages of the branch that the next message continues, in order, read from the server.

        The root is not among them: it is the system message, which the app does not show.
        """
        read = await self.read()
        return [each for each in read.path(self._leaf) if each.id != read.root_message_id]

    async def tree(self) -> ConversationRead:
        """All branches, as the server stores them: every message names its children and ancestors.

        `path(leaf)` gives one branch, `forks()` where they part.
        """
        return await self.read()

    async def checkout(self, message_id: str) -> StoredMessage:
        """Continue the branch that a message is on. Returns the message that the next one will follow.

        That is the last message below it, through the newest child each time, as in the app. The choice holds
        until a retry or an edit makes a newer branch. Raises UsageError if there is no such message.
        """
        read = await self.read()
        drafts.find(read, message_id)
        self._leaf = message_id
        return read.active_leaf(message_id)

    async def _go_on_after(self, message_id: str) -> bool:
        """Check a message out if it is the last of its branch. A read of a moment ago is used again.

        Raises UsageError if there is no such message.
        """
        if self._chat._notes.get_fresh_leaf(self.id) != message_id:
            read = await self.read()
            drafts.find(read, message_id)
            if read.active_leaf(message_id).id != message_id:
                return False
            if read.active_leaf().id == message_id:
                self._chat._notes.know_leaf(self.id, message_id)
        self._leaf = message_id
        return True

    async def read(self) -> ConversationRead:
        """The conversation as the server stores it, all branches of it."""
        return await read_conversation(self._chat._session, self.id)

    async def rename(self, title: str) -> None:
        """Change the title, to 1 to 100 characters. Raises UsageError for any other."""
        title = require_text("The title", title).strip()
        if not 0 < len(title.encode("utf-16-le")) // 2 <= TITLE_LENGTH:  # as the app counts
            raise UsageError(f"A title has 1 to {TITLE_LENGTH} characters; this one has {len(title)}.")
        await self._ask(requests.rename_conversation(self.id, title))

    async def change_model(self, model: str) -> None:
        """Change the model for the messages to come, named as in `new_conversation`. Raises UnknownModel."""
        chosen = pick_model(await self._chat.models(), model).id
        await self._ask(requests.change_model(self.id, chosen))
        self.model = chosen

    async def share(self) -> str:
        """Make a link. Anyone who has it can read the conversation as it is now.

        The same content gives the same link. Raises UsageError while a turn is running.
        """
        if self._chat._tracker.is_running(self.id):
            raise UsageError(f"Conversation {self.id} is still answering. Share it after the answer.")
        body = await self._ask(requests.build(purposes.ShareConversation(self.id)))
        return f"{self._chat.settings.base_url}/r/{parse_share(body)}"

    async def artifacts(self) -> list[Artifact]:
        """The artifacts of the branch that the next message continues, with all of their versions."""
        return read_branch(await self.messages())

    async def deploy(
        self,
        artifact: Artifact,
        *,
        title: str | None = None,
        public: bool = False,
        version: int | None = None,
    ) -> Deployment:
        """Publish an artifact of this conversation as a Space of the account, on Hugging Face.

        The Space is private unless `public`. If the artifact has a Space already, it is updated, and stays
        private or public. Raises UsageError if the app cannot publish this artifact, or any; ChatError if it
        refuses.
        """
        return await deploying.deploy(self, artifact, title=title, public=public, version=version)

    async def export(self, form: Form = "markdown") -> str:
        """As a document: "markdown" (the active path, to be read) or "json" (all branches)."""
        return export.render(await self.read(), form, url=self.url)

    async def delete(self) -> None:
        """Delete it on the server. It is no error if the server no longer has it."""
        if self.deleted:
            return
        if self._reply is not None:
            await self._reply.stop()
        await self._chat._session.leave_tab(self.id)
        try:
            await self._ask(requests.build(purposes.DeleteConversation(self.id)))
        except ChatError as error:
            if error.status != 404:
                raise
        self.deleted = True
        self._chat._notes.forget(self.id)
        self._chat._forget(self)

    async def __aenter__(self) -> Conversation:
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not self.temporary:
            return
        if self._chat._leaving.forked or self._chat._session.unheard:  # `close` warns of what remains
            return
        try:
            await self.delete()
        except AgentError as trouble:
            if error is None:
                raise
            log.warning("Temporary conversation %s could not be deleted: %s", self.id, trouble)

    def _forget_ending(self) -> None:
        self._ending = None

    def _end_reply(self, reply: Reply) -> None:
        if self._reply is not reply:
            return
        self._reply = None
        if not reply.done:
            self._ending = reply
            reply._call_when_done(self._forget_ending)
        # What follows a message checked out is on its branch. A branch of its own is the one made last.
        if self._branching and reply._turn is not None:
            self._leaf = None


def _check_tools(tools: Sequence[str | ToolServer]) -> tuple[str | ToolServer, ...]:
    chosen = (tools,) if isinstance(tools, str | ToolServer) else tools
    if not isinstance(chosen, Iterable):
        raise UsageError(f"`tools` is a list of names and of ToolServer, not {tools!r}.")
    return tuple(
        check_own(each)
        if isinstance(each, ToolServer) and each.is_own
        else require_text("The name of a tool server", each.id if isinstance(each, ToolServer) else each)
        for each in chosen
    )


def _check_flag(name: str, value: bool) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"`{name}` is True or False, not {value!r}.")
    return value


def _check_prompt(prompt: str) -> str:
    prompt = require_text("The prompt", prompt).replace("\r\n", "\n").replace("\r", "\n")
    if not prompt.strip():
        raise UsageError("The prompt is empty. Say something.")
    return prompt
