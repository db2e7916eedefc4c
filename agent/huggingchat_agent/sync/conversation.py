"""One conversation, without async."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from huggingchat_agent.mistakes import sync_only
from huggingchat_agent.sync.elicitation import Elicitation
from huggingchat_agent.sync.file import File
from huggingchat_agent.sync.handlers import Handlers, pass_back, pass_on
from huggingchat_agent.sync.reply import Reply
from huggingchat_agent.sync.thread import ends_program

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from huggingchat_agent import answer
    from huggingchat_agent.artifact import Artifact
    from huggingchat_agent.chat.conversation import Conversation as AsyncConversation
    from huggingchat_agent.chat.deploying import Deployment
    from huggingchat_agent.chat.export import Form
    from huggingchat_agent.chat.reply import Reply as AsyncReply
    from huggingchat_agent.chat.uploads import Given
    from huggingchat_agent.choices import Via
    from huggingchat_agent.events import ElicitationRequested, Event
    from huggingchat_agent.sync.thread import LoopThread
    from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage
    from huggingchat_agent.wire.tools import ToolServer


@sync_only()
class Conversation(Handlers):
    """Made by `HuggingChat.new_conversation` and `HuggingChat.conversation`.

    Handlers subscribed here get the events of its turns, also of those that a person starts in the page. A
    temporary conversation is deleted on the server at the end of its `with` block, or else when the chat
    closes.
    """

    def __init__(self, inner: AsyncConversation, thread: LoopThread) -> None:
        """Made in the loop."""
        super().__init__(inner)
        self._inner = inner
        self._thread = thread
        # By a method of this object, which keeps it alive as long as the one in the loop. A second object
        # for that one would get all of its events again.
        pass_on(inner, self._receive)
        pass_back(self._emitter, inner, thread.call_soon)

    def __repr__(self) -> str:
        return repr(self._inner)

    @property
    def id(self) -> str:
        """The server's id: 24 hex digits."""
        return self._inner.id

    @property
    def model(self) -> str | None:
        """The id of its model; None before the app was asked."""
        return self._inner.model

    @property
    def temporary(self) -> bool:
        """Whether it is deleted at the end."""
        return self._inner.temporary

    @property
    def deleted(self) -> bool:
        """Whether this program has deleted it."""
        return self._inner.deleted

    @property
    def url(self) -> str:
        """The address of its page."""
        return self._inner.url

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

        `files` are paths, (name, bytes), (name, bytes, media type), or open files that have a name. They are
        read at once.

        `tools` are the tool servers that are on for this turn, by id, name or an unambiguous part of one
        (`chat.tools()` lists them), or your own: `ToolServer("name", "https://...", headers)`. [] turns all
        of them off. None leaves the choice to the app: all that it offers, unless a person switched some off
        in the page. `web_search` turns on the server that searches the web. A message with chosen tools goes
        by page only. The page itself would keep the choice, and the headers of your own servers, for all
        later turns.

        Raises FileRejected for a file that is missing, empty or larger than 10 MiB. A file of a type that the
        model does not take raises it from `result()`, before anything is sent. Raises UsageError
        for an empty prompt, while a turn of this conversation is running, and for an option that the app does
        not have (`temperature`, `max_tokens`, ...).
        """
        return self._start(
            lambda: self._inner.send(
                prompt,
                via=via,
                files=files,
                tools=tools,
                web_search=web_search,
                **dict[str, Any](unsupported),
            )
        )

    def retry(self, message_id: str | None = None, *, via: Via | None = None) -> Reply:
        """Ask for another answer beside an old one, by default the last. Returns at once (see Reply).

        The conversation goes on from the new answer.
        """
        return self._start(lambda: self._inner.retry(message_id, via=via))

    def continue_answer(self) -> Reply:
        """Ask for more of the last answer, which was cut off. Returns at once (see Reply).

        Only apps before autumn 2025 do this; on any other the reply raises UsageError. The tokens are the new
        part, `answer.text` is the whole. It goes by page. A stream that breaks is not resumed.
        """
        return self._start(lambda: self._inner.continue_answer())

    def edit(self, user_message_id: str, prompt: str, *, via: Via | None = None) -> Reply:
        """Replace a message of the user. Returns at once (see Reply).

        This makes a new branch beside the old one, with the old message's files. The conversation goes on
        from there.
        """
        return self._start(lambda: self._inner.edit(user_message_id, prompt, via=via))

    def elicitation(self, event: ElicitationRequested) -> Elicitation:
        """The question in an `elicitation` event of this conversation, to answer, decline or dismiss."""
        return Elicitation(self._inner.elicitation(event), self._thread)

    def elicitations(self) -> list[Elicitation]:
        """The open questions of tools in this conversation, as the server stores them.

        So another process can resume a parked run later.
        """
        return [Elicitation(each, self._thread) for each in self._thread.run(self._inner.elicitations())]

    def _receive(self, event: Event) -> None:
        self._thread.post(lambda: self._emitter.emit(event))

    def _start(self, start: Callable[[], AsyncReply]) -> Reply:
        async def begin() -> Reply:
            return Reply(start(), self._thread)

        return self._thread.run(begin())

    def file(self, file: answer.File | str) -> File:
        """A file that the conversation holds, by its sha or from JSON, with the means to read it:
        `conversation.file(sha).save("photo.png")`.
        """

        async def look_up() -> File:
            return File(self._inner.file(file), self._thread)

        return self._thread.run(look_up())

    def messages(self) -> list[StoredMessage]:
        """The messages of the branch that the next message continues, in order, read from the server.

        The root is not among them: it is the system message, which the app does not show.
        """
        return self._thread.run(self._inner.messages())

    def tree(self) -> ConversationRead:
        """All branches, as the server stores them: every message names its children and ancestors.

        `path(leaf)` gives one branch, `forks()` where they part.
        """
        return self._thread.run(self._inner.tree())

    def checkout(self, message_id: str) -> StoredMessage:
        """Continue the branch that a message is on. Returns the message that the next one will follow.

        That is the last message below it, through the newest child each time, as in the app. The choice holds
        until a retry or an edit makes a newer branch. Raises UsageError if there is no such message.
        """
        return self._thread.run(self._inner.checkout(message_id))

    def read(self) -> ConversationRead:
        """The conversation as the server stores it, all branches of it."""
        return self._thread.run(self._inner.read())

    def rename(self, title: str) -> None:
        """Change the title, to 1 to 100 characters. Raises UsageError for any other."""
        self._thread.run(self._inner.rename(title))

    def change_model(self, model: str) -> None:
        """Change the model for the messages to come, named as in `new_conversation`. Raises UnknownModel."""
        self._thread.run(self._inner.change_model(model))

    def share(self) -> str:
        """Make a link. Anyone who has it can read the conversation as it is now.

        The same content gives the same link. Raises UsageError while a turn is running.
        """
        return self._thread.run(self._inner.share())

    def artifacts(self) -> list[Artifact]:
        """The artifacts of the branch that the next message continues, with all of their versions."""
        return self._thread.run(self._inner.artifacts())

    def deploy(
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
        given = {"title": title, "public": public, "version": version}
        return self._thread.run(self._inner.deploy(artifact, **dict[str, Any](given)))

    def export(self, form: Form = "markdown") -> str:
        """As a document: "markdown" (the active path, to be read) or "json" (all branches)."""
        return self._thread.run(self._inner.export(form))

    def delete(self) -> None:
        """Delete it on the server. It is no error if the server no longer has it."""
        self._thread.run(self._inner.delete())

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self.temporary and not self._thread.over:
            self._thread.run(self._inner.__aexit__(kind, error, trace), work=not ends_program(error))
