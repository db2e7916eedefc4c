"""Finds the stored message that a turn wrote, and whether one is still being written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage

# How long a run may store nothing, in apps that store it at its end.
UNSTORED = timedelta(seconds=60)


def find_written(
    read: ConversationRead, request: Mapping[str, Any], generation_id: str | None, content: str
) -> StoredMessage | None:
    """The message that a run wrote: the one that names its generation id.

    Apps before June 2026 store no generation ids. There it is found by its place: by the message that the
    request answers or replaces, by what it says, and among what is left the newest. `content` is the text
    that the stream gave; a message that is complete with another text is another client's.

    The request is empty if the browser did not have its body. Then only the text says which message it is,
    and it counts only if no other answer at the end of a branch has it too.
    """
    if generation_id and (found := read.by_generation(generation_id)):
        return found
    if request.get("resumeElicitationId") or request.get("is_continue"):
        return read.message(str(request.get("id")))
    answers = [each for each in _find_answers(read, request) if not (generation_id and each.generation_id)]
    content = content.strip()
    if not request:
        fitting = [each for each in answers if content and each.content.strip() and _fits(each, content)]
        same = [each for each in fitting if each.content.strip() == content] or fitting
        return same[0] if len(same) == 1 else None
    ours = [each for each in answers if not read.is_terminal(each) or _fits(each, content)]
    return ours[-1] if ours else None


def find_new(
    read: ConversationRead, request: Mapping[str, Any], known: Collection[str]
) -> StoredMessage | None:
    """The answer to a request that got no response, among the messages that were not `known` before it.

    A request that a page made has no known generation id.
    """
    generation_id = request.get("generationId")
    if generation_id and (found := read.by_generation(generation_id)):
        return found
    new = [each for each in _find_answers(read, request) if each.id not in known]
    ours = [each for each in new if not (generation_id and each.generation_id)]
    return ours[-1] if ours else None


def _find_answers(read: ConversationRead, request: Mapping[str, Any]) -> list[StoredMessage]:
    """The answers in the place of that request, in order of creation."""
    if not request:
        return [each for each in read.messages if each.author == "assistant" and not each.children]
    target = read.message(str(request.get("id")))
    retried = bool(request.get("is_retry"))
    parent = read.parent(target) if target and retried else target
    if target is None or parent is None:
        return []
    if retried and target.author == "assistant":
        return [each for each in _find_below(read, [parent]) if each.id != target.id]
    return _find_below(
        read, [each for each in _find_questions(read, parent, request) if each.id != target.id]
    )


def _find_questions(
    read: ConversationRead, parent: StoredMessage, request: Mapping[str, Any]
) -> list[StoredMessage]:
    said = str(request.get("inputs", "")).replace("\r\n", "\n").strip()
    return [
        each
        for each in _find_children(read, parent)
        if each.author == "user" and each.content.strip() == said
    ]


def _find_below(read: ConversationRead, parents: list[StoredMessage]) -> list[StoredMessage]:
    answers = [
        each for parent in parents for each in _find_children(read, parent) if each.author == "assistant"
    ]
    return [each for each in read.messages if each in answers]


def _find_children(read: ConversationRead, parent: StoredMessage) -> list[StoredMessage]:
    return [child for each in parent.children if (child := read.message(each)) is not None]


def _fits(message: StoredMessage, content: str) -> bool:
    """Whether a stream with that text may have been the message's.

    A stopped answer is stored shorter or longer than its stream was.
    """
    stored = message.content.strip()
    return stored.startswith(content) or content.startswith(stored)


def is_running(read: ConversationRead, message: StoredMessage) -> bool:
    """Whether the app is still writing a message. A message without a run is complete.

    Apps that store no generation ids store a run that is watched at its end only, and those of 2025 store no
    end of a run that was stopped. So there only a message without any content counts, and not for long: its
    run may have died.
    """
    if message.author != "assistant" or read.is_terminal(message):
        return False
    if message.generation_id:
        return True
    begun = message.created_at
    fresh = begun is not None and datetime.now(UTC) - begun < UNSTORED
    return fresh and not (message.content or message.updates)
