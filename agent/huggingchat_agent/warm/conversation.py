"""A conversation, a reply and a tool's question, in the browser of a warm session.

They have the methods of their namesakes in `sync` that commands use, which return and raise the same.
"""

from __future__ import annotations

import base64
import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from huggingchat_agent import events, saving
from huggingchat_agent.answer import Answer
from huggingchat_agent.errors import AgentError
from huggingchat_agent.user_text import require_path
from huggingchat_agent.warm.protocol import Happened, decode_event

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from huggingchat_agent import answer
    from huggingchat_agent.artifact import Artifact
    from huggingchat_agent.browser.protocols import Upload
    from huggingchat_agent.chat.deploying import Deployment
    from huggingchat_agent.choices import Via
    from huggingchat_agent.settings import Settings
    from huggingchat_agent.warm.client import Client
    from huggingchat_agent.warm.protocol import Talk
    from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage
    from huggingchat_agent.wire.elicitations import Value
    from huggingchat_agent.wire.tools import ToolServer

T = TypeVar("T")

# The warm session stops a run as a HuggingChat does.
STOP_PATIENCE = 12.0  # seconds


class WarmConversation:
    """Made by `WarmChat`. A temporary one is deleted at the end of its `with` block."""

    def __init__(self, client: Client, about: Talk, settings: Settings, *, temporary: bool) -> None:
        self.id, self.model, self.url = about.id, about.model, about.url
        self.temporary = temporary
        self._client, self._settings = client, settings

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        # After an error the end of the connection deletes it.
        if self.temporary and error is None:
            self.delete()

    def send(
        self,
        prompt: str,
        *,
        via: Via | None = None,
        files: Sequence[Upload] = (),
        tools: Sequence[str | ToolServer] | None = None,
        web_search: bool = False,
    ) -> WarmReply:
        """Send a message. Returns at once."""
        given = [(each.name, base64.b64encode(each.data).decode(), each.mime) for each in files]
        chosen: Any = None
        if tools is not None:
            from huggingchat_agent.warm.results import pack_tools

            chosen = pack_tools(tools)
        more = {"prompt": prompt, "files": given, "tools": chosen, "web_search": web_search}
        return self._start("send", via, **more)

    def retry(self, message_id: str | None = None, *, via: Via | None = None) -> WarmReply:
        """Ask for another answer, beside the old one."""
        return self._start("retry", via, message_id=message_id)

    def edit(self, user_message_id: str, prompt: str, *, via: Via | None = None) -> WarmReply:
        """Replace a message of the user, on a new branch."""
        return self._start("edit", via, user_message_id=user_message_id, prompt=prompt)

    def elicitation(self, event: events.ElicitationRequested) -> WarmElicitation:
        """The question in an event of this conversation."""
        return WarmElicitation(self, event)

    def file(self, file: answer.File) -> WarmFile:
        """A file that the conversation holds."""
        return WarmFile(self, file)

    def messages(self) -> list[StoredMessage]:
        """The messages of the branch that the next message continues."""
        from huggingchat_agent.wire.conversations import StoredMessage

        return self._call("messages", list[StoredMessage])

    def read(self) -> ConversationRead:
        """The conversation as the server stores it."""
        from huggingchat_agent.wire.conversations import ConversationRead

        return self._call("read", ConversationRead)

    def rename(self, title: str) -> None:
        """Change the title."""
        self._call("rename", Any, title=title)

    def change_model(self, model: str) -> None:
        """Change the model for the messages to come."""
        self.model = self._call("change_model", str, model=model)

    def share(self) -> str:
        """Make a link."""
        return self._call("share", str)

    def artifacts(self) -> list[Artifact]:
        """The artifacts of the branch that the next message continues."""
        from huggingchat_agent.artifact import Artifact

        return self._call("artifacts", list[Artifact])

    def deploy(
        self,
        artifact: Artifact,
        *,
        title: str | None = None,
        public: bool = False,
        version: int | None = None,
    ) -> Deployment:
        """Publish an artifact as a Space."""
        from huggingchat_agent.chat.deploying import Deployment

        given = msgspec.to_builtins(artifact)
        about = {"title": title, "public": public, "version": version}
        return self._call("deploy", Deployment, artifact=given, **about)

    def export(self, form: str = "markdown") -> str:
        """As a document."""
        return self._call("export", str, form=form)

    def delete(self) -> None:
        """Delete it on the server."""
        self._call("delete", Any)

    def _call(self, verb: str, kind: type[T], **arguments: Any) -> T:
        return self._client.call(verb, kind, talk=self.id, **arguments)

    def _start(self, verb: str, via: Via | None, **arguments: Any) -> WarmReply:
        own = {"via": via or self._settings.via, "deadlines": self._settings.deadlines}
        number = self._client.send(verb, talk=self.id, **own, **arguments)
        self._client.take_result(number)
        return WarmReply(self._client, number)

    def _settle(self, event: events.Event, how: str, content: Any = None) -> WarmReply | None:
        asked = msgspec.to_builtins(event)
        number = self._client.send("settle", talk=self.id, event=asked, how=how, content=content)
        started = msgspec.json.decode(self._client.take_result(number).value, type=bool)
        return WarmReply(self._client, number) if started else None


class WarmReply:
    """The answer to one message while it comes. One loop reads it, and calls the handlers."""

    def __init__(self, client: Client, number: int) -> None:
        self._client, self._number = client, number
        self._turn = next(client.turns)  # the warm session has answered other commands before
        self._handlers: dict[str, list[Callable[[Any], object]]] = {}
        self._answer: Answer | None = None
        self._error: Exception | None = None

    def on(self, name: str, handler: Callable[[Any], object]) -> None:
        """Subscribe to the events of that name, before the first wait."""
        self._handlers.setdefault(name, []).append(handler)

    @property
    def done(self) -> bool:
        """Whether the turn is over, whatever its outcome."""
        return self._answer is not None or self._error is not None

    def __iter__(self) -> Iterator[events.AnyTurnEvent]:
        while (event := self._take()) is not None:
            if isinstance(event, events.TurnEvent):
                yield event  # type: ignore[misc]  # the union lists all

    def result(self) -> Answer:
        """Wait for the whole answer. Raises what went wrong with it."""
        while not self.done:
            self._take()
        if self._error is not None:
            raise self._error
        assert self._answer is not None
        return self._answer

    def stop(self) -> None:
        """Stop the run on the server, and return when the turn is over."""
        if not self.done:
            with contextlib.suppress(TimeoutError):
                stopping = self._client.send("stop", reply=self._number)
                self._client.take_result(stopping, STOP_PATIENCE)
                while not self.done:
                    self._take(STOP_PATIENCE)

    def ask_to_stop(self) -> None:
        """Stop the run, from another thread. The thread that reads the reply gets its end."""
        if not self.done:
            self._client.call("stop", Any, reply=self._number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self.stop()
        except AgentError:
            if error is None:
                raise

    def _take(self, timeout: float | None = None) -> events.Event | None:
        """The next event, after its handlers; None at the end."""
        if self.done:
            return None
        try:
            message = self._client.take(self._number, timeout)
        except TimeoutError:
            raise
        except Exception as failure:  # the reply's own
            self._error = failure
            return None
        if not isinstance(message, Happened):
            self._answer = msgspec.json.decode(message.value, type=Answer)
            return None
        event = decode_event(message)
        if isinstance(event, events.TurnEvent):
            event = msgspec.structs.replace(event, turn=self._turn)
        for handler in self._handlers.get(event.name, ()):
            handler(event)
        return event


class WarmElicitation:
    """A question of a tool."""

    def __init__(self, talk: WarmConversation, event: events.ElicitationRequested) -> None:
        self._talk, self._event = talk, event

    def answer(self, content: Mapping[str, Value] | None = None) -> WarmReply | None:
        """Answer the fields by name."""
        return self._talk._settle(self._event, "answer", content)

    def decline(self) -> WarmReply | None:
        """Refuse to answer."""
        return self._talk._settle(self._event, "decline")


class WarmFile:
    """A file that the conversation holds."""

    def __init__(self, talk: WarmConversation, file: answer.File) -> None:
        self._talk, self._file = talk, file

    def read(self) -> bytes:
        """Its bytes."""
        held = self._file._held
        return self._talk._call("file", bytes, sha=self._file.sha) if held is None else held

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file, or into a folder under its own name, cleaned. Returns its path."""
        return saving.save(self.read(), require_path("path", path), self._file.name, self._file.mime)
