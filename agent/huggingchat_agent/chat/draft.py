"""What is to be sent, as a value, and where in the tree of messages it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.browser.protocols import Upload
from huggingchat_agent.errors import UsageError
from huggingchat_agent.wire import multipart, requests
from huggingchat_agent.wire.multipart import FormPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage
    from huggingchat_agent.wire.requests import Call


class Next(msgspec.Struct, frozen=True):
    """A new message at the end of the branch that `leaf` is on, None for the branch made last."""

    leaf: str | None = None


class Retry(msgspec.Struct, frozen=True):
    """An answer made anew beside the old one; None for the last answer of the branch of `leaf`."""

    message_id: str | None = None
    leaf: str | None = None


class Edit(msgspec.Struct, frozen=True):
    """A user message put beside an old one, with that one's files."""

    message_id: str


class Resume(msgspec.Struct, frozen=True):
    """The rest of an answer that was parked until a question of a tool was answered."""

    message_id: str
    elicitation_id: str


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent. `prompt` is None where nothing is said: a retry, a resumption.

    `tools` are the names of the tool servers to be on for this turn, None for the app's own choice;
    `web_search` wants one among them that searches the web.
    """

    prompt: str | None = None
    target: Next | Retry | Edit | Resume = Next()
    uploads: tuple[Upload, ...] = ()
    tools: tuple[str, ...] | None = None
    web_search: bool = False


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """Where a draft goes, in a conversation as it is now.

    `id` is the message that the request names; `leaf` the last one that a page has to show to send
    the same ("" for none: the root is not shown); `question` the user message above an answer to make
    anew, or the one to edit. `resent` are files the conversation has already.
    """

    id: str
    leaf: str
    question: str = ""
    resent: tuple[FormPart, ...] = ()


def spot(draft: Draft, read: ConversationRead) -> Spot:
    """Raises UsageError where the message meant is not there, or is not one of that kind."""
    target = draft.target
    if isinstance(target, Next):
        end = _leaf(read, target.leaf)
        return Spot(id=end.id, leaf="" if end.id == read.root_message_id else end.id)
    if isinstance(target, Retry) and target.message_id is None:
        path = read.path(_leaf(read, target.leaf).id)
        message = next((each for each in reversed(path) if each.author == "assistant"), None)
        if message is None:
            raise UsageError(f"Conversation {read.id} has no answer yet that could be made anew.")
    else:
        message = find(read, target.message_id or "", "user" if isinstance(target, Edit) else "assistant")
    resent = tuple(
        multipart.refer_to_file(
            str(file.get("name", "")), str(file.get("mime", "")), str(file.get("value", ""))
        )
        for file in (message.files if isinstance(target, Edit) else ())
    )
    question = message.id if isinstance(target, Edit) else message.ancestors[-1]
    return Spot(id=message.id, leaf=read.active_leaf(message.id).id, question=question, resent=resent)


def find(read: ConversationRead, message_id: str, author: str = "") -> StoredMessage:
    """A message of a conversation. Raises UsageError if it has none of that id, or not of that author."""
    message = read.message(message_id)
    if message is None:
        raise UsageError(
            f"Conversation {read.id} has no message {message_id!r}. `await conversation.tree()` gives all it "
            "has."
        )
    if author and message.author != author:
        what = {"user": "only what the user said can be edited", "assistant": "only an answer can be retried"}
        raise UsageError(f"Message {message_id} is by the {message.author}; {what[author]}.")
    return message


def call(
    draft: Draft,
    place: Spot,
    conversation_id: str,
    generation_id: str,
    *,
    timezone: str,
    servers: Sequence[dict[str, Any]] | None,
) -> Call:
    """The request that sends the draft. `servers` are the tool servers to be on, None for all."""
    target = draft.target
    uploads = [multipart.encode_file(each.name, each.mime, each.data) for each in draft.uploads]
    return requests.send_message(
        conversation_id,
        draft.prompt,
        place.id,
        generation_id,
        timezone=timezone,
        is_retry=isinstance(target, Retry | Edit),
        mcp_servers=servers,
        files=[*place.resent, *uploads],
        resume_elicitation_id=target.elicitation_id if isinstance(target, Resume) else None,
    )


def _leaf(read: ConversationRead, wanted: str | None) -> StoredMessage:
    if wanted is not None:
        find(read, wanted)
    return read.active_leaf(wanted)
