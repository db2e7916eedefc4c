"""A message to send, as a value, and its place in the tree of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import msgspec

from huggingchat_agent.browser.protocols import Upload
from huggingchat_agent.errors import UsageError
from huggingchat_agent.setting_values import Deadlines
from huggingchat_agent.site.gestures import composer, messages
from huggingchat_agent.wire import multipart, requests
from huggingchat_agent.wire.multipart import FormPart
from huggingchat_agent.wire.tools import ToolServer

if TYPE_CHECKING:
    from huggingchat_agent.browser.protocols import Page
    from huggingchat_agent.site.gestures.dialogs import Notice
    from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage
    from huggingchat_agent.wire.requests import Call
    from huggingchat_agent.wire.tools import ToolChoice


# A page lays out all of the text in its field, several times: 10,000 lines take more than a second.
MOST_LINES, MOST_CHARACTERS = 2_000, 300_000

ChosenTools: TypeAlias = tuple[str | ToolServer, ...] | None


class Target(msgspec.Struct, frozen=True):
    """Where a draft goes in a conversation. Base of the five kinds below."""

    branches: ClassVar[bool] = False  # it makes a new branch
    page_only: ClassVar[bool] = False  # the page has no gesture for it that the agent could make

    @property
    def fields(self) -> dict[str, Any]:
        """Its arguments for `requests.send_message`."""
        return {"is_retry": self.branches}

    def find_spot(self, read: ConversationRead) -> Spot:
        """Where it goes. Raises UsageError if the message does not exist or is of the wrong kind."""
        raise NotImplementedError

    def find_spot_after(self, leaf: str, *, is_root: bool) -> Spot | None:
        """Where it goes, given the last message of the conversation. None if that is not enough to know."""
        return None

    async def prepare(
        self, page: Page, draft: Draft, spot: Spot, *, alive: bool, timeout: float, notice: Notice
    ) -> None:
        """Do everything before the send gesture. `alive`: the page's scripts are known to run. `notice` gets
        unknown parts of the page.
        """

    async def press(self, page: Page, spot: Spot, *, timeout: float) -> None:
        """Make the send gesture."""
        raise NotImplementedError


class Next(Target, frozen=True):
    """A new message at the end of the branch that `leaf` is on, None for the branch made last."""

    leaf: str | None = None

    def find_spot(self, read: ConversationRead) -> Spot:
        end = _find_leaf(read, self.leaf)
        leaf = "" if end.id == read.root_message_id else end.id
        return Spot(id=end.id, leaf=leaf, path=_list_path(read, end.id))

    def find_spot_after(self, leaf: str, *, is_root: bool) -> Spot | None:
        return Spot(id=leaf, leaf="" if is_root else leaf) if self.leaf in (None, leaf) else None

    async def prepare(
        self, page: Page, draft: Draft, spot: Spot, *, alive: bool, timeout: float, notice: Notice
    ) -> None:
        await composer.write(page, draft.prompt or "", timeout=timeout, notice=notice)
        if draft.uploads:
            await composer.attach(page, draft.uploads, timeout=timeout)

    async def press(self, page: Page, spot: Spot, *, timeout: float) -> None:
        await composer.press_send(page, timeout=timeout)


class Retry(Target, frozen=True):
    """A new answer beside the old one; None for the last answer of the branch of `leaf`."""

    branches: ClassVar[bool] = True

    message_id: str | None = None
    leaf: str | None = None

    def find_spot(self, read: ConversationRead) -> Spot:
        if self.message_id is not None:
            return _make_spot_at_answer(read, find(read, self.message_id, "assistant"))
        path = read.path(_find_leaf(read, self.leaf).id)
        message = next((each for each in reversed(path) if each.author == "assistant"), None)
        if message is None:
            raise UsageError(f"Conversation {read.id} has no answer yet that could be retried.")
        return _make_spot_at_answer(read, message)

    async def prepare(
        self, page: Page, draft: Draft, spot: Spot, *, alive: bool, timeout: float, notice: Notice
    ) -> None:
        if not alive:
            # The page loses a press on Retry before its scripts run, and that must not be repeated. This can.
            await messages.open_editor(page, spot.question, timeout=timeout, notice=notice)
            await messages.close_editor(page, spot.question, timeout=timeout)

    async def press(self, page: Page, spot: Spot, *, timeout: float) -> None:
        await messages.press_retry(page, spot.id, timeout=timeout)


class Edit(Target, frozen=True):
    """A user message put beside an old one, with that one's files."""

    branches: ClassVar[bool] = True

    message_id: str

    def find_spot(self, read: ConversationRead) -> Spot:
        message = find(read, self.message_id, "user")
        resent = tuple(
            multipart.refer_to_file(
                str(file.get("name", "")), str(file.get("mime", "")), str(file.get("value", ""))
            )
            for file in message.files
        )
        leaf = read.active_leaf(message.id).id
        path = _list_path(read, leaf)
        return Spot(id=message.id, leaf=leaf, path=path, question=message.id, resent=resent)

    async def prepare(
        self, page: Page, draft: Draft, spot: Spot, *, alive: bool, timeout: float, notice: Notice
    ) -> None:
        await messages.open_editor(page, spot.question, timeout=timeout, notice=notice)
        await messages.rewrite(page, spot.question, draft.prompt or "", timeout=timeout)

    async def press(self, page: Page, spot: Spot, *, timeout: float) -> None:
        await messages.press_send(page, spot.question, timeout=timeout)


class Resume(Target, frozen=True):
    """The rest of an answer that was parked until a question of a tool was answered."""

    page_only: ClassVar[bool] = True

    message_id: str
    elicitation_id: str

    @property
    def fields(self) -> dict[str, Any]:
        return {"resume_elicitation_id": self.elicitation_id}

    def find_spot(self, read: ConversationRead) -> Spot:
        return _make_spot_at_answer(read, find(read, self.message_id, "assistant"))


class Continue(Target, frozen=True):
    """More of the last answer, written on in the same message; only apps before October 2025 do that."""

    page_only: ClassVar[bool] = True  # their pages offer it only where the model was cut off

    leaf: str | None = None

    @property
    def fields(self) -> dict[str, Any]:
        return {"is_continue": True}

    def find_spot(self, read: ConversationRead) -> Spot:
        end = _find_leaf(read, self.leaf)
        if end.author != "assistant":
            raise UsageError(f"Conversation {read.id} does not end with an answer, so none can be continued.")
        return _make_spot_at_answer(read, end)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A message to send. `prompt` is None for a retry, a continuation and a resumption.

    `tools` are the tool servers that are on for this turn: names of the app's, and own ones. None is the
    app's own choice. `web_search` wants one among them that searches the web. `deadlines` are those of the
    settings where they are None.
    """

    prompt: str | None = None
    target: Target = Next()
    uploads: tuple[Upload, ...] = ()
    tools: ChosenTools = None
    web_search: bool = False
    deadlines: Deadlines | None = None

    @property
    def gesture(self) -> str:
        """What a page does for it. A page that fails to do this for one draft fails for others too."""
        return f"{type(self.target).__name__}{' with files' if self.uploads else ''}"

    @property
    def slow_to_type(self) -> str:
        """Why a page would take long to show the text in its field, "" if it would not."""
        prompt = self.prompt or ""
        lines = prompt.count("\n") + 1
        if lines <= MOST_LINES and len(prompt) <= MOST_CHARACTERS:
            return ""
        return f"A page takes long to show a text of {lines:,} lines and {len(prompt):,} characters."


PLAIN = Draft().gesture  # a page that cannot do this can do none


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """Where a draft goes, in a conversation as it is now.

    `id` is the message that the request names. `leaf` is the last message that a page must show to send the
    same ("" for none: pages do not show the root). `path` are the messages down to it, each with its place
    among those beside it, from 1; empty where the address of a page is enough to show them. `question` is the
    user message above an answer to retry, or the one to edit. `resent` are files that the conversation
    already holds.
    """

    id: str
    leaf: str
    path: tuple[tuple[str, int], ...] = ()
    question: str = ""
    resent: tuple[FormPart, ...] = ()


def _make_spot_at_answer(read: ConversationRead, message: StoredMessage) -> Spot:
    leaf = read.active_leaf(message.id).id
    return Spot(id=message.id, leaf=leaf, path=_list_path(read, leaf), question=message.ancestors[-1])


def _list_path(read: ConversationRead, leaf: str) -> tuple[tuple[str, int], ...]:
    """The messages that a page shows down to that leaf.

    Empty where the page needs no help to show them: without branches, and in apps that store generation ids.
    """
    if not read.forks() or any(each.generation_id for each in read.messages):
        return ()
    shown = [each for each in read.path(leaf) if each.id != read.root_message_id]
    return tuple((each.id, _find_place(read, each)) for each in shown)


def _find_place(read: ConversationRead, message: StoredMessage) -> int:
    parent = read.parent(message)
    beside = parent.children if parent else []
    return beside.index(message.id) + 1 if message.id in beside else 1


def find(read: ConversationRead, message_id: str, author: str = "") -> StoredMessage:
    """A message of a conversation. Raises UsageError if the id is unknown or the author is another."""
    message = read.message(message_id)
    if message is None:
        raise UsageError(
            f"Conversation {read.id} has no message {message_id!r}. `await conversation.tree()` gives all it "
            "has."
        )
    if author and message.author != author:
        what = {
            "user": "only a message of the user can be edited",
            "assistant": "only an answer can be retried",
        }
        raise UsageError(f"Message {message_id} is by the {message.author}; {what[author]}.")
    return message


def build_call(
    draft: Draft,
    place: Spot,
    conversation_id: str,
    generation_id: str,
    *,
    timezone: str,
    tools: ToolChoice | None,
) -> Call:
    """The request that sends the draft. `tools` are those to be on, None for the app's own choice."""
    uploads = [multipart.encode_file(each.name, each.mime, each.data) for each in draft.uploads]
    return requests.send_message(
        conversation_id,
        draft.prompt,
        place.id,
        generation_id,
        timezone=timezone,
        files=[*place.resent, *uploads],
        **draft.target.fields,
        **(tools.fields if tools else {}),
    )


def fields(draft: Draft, place: Spot, generation_id: str | None) -> dict[str, Any]:
    """The fields of that request that decide where its answer is stored."""
    call = requests.send_message(
        "", draft.prompt, place.id, generation_id or "", timezone="", **draft.target.fields
    )
    data = next(part.body for part in call.form or () if part.name == "data")
    fields: dict[str, Any] = msgspec.json.decode(data)
    if generation_id is None:
        del fields["generationId"]
    return fields


def _find_leaf(read: ConversationRead, wanted: str | None) -> StoredMessage:
    if wanted is not None:
        find(read, wanted)
    return read.active_leaf(wanted)
