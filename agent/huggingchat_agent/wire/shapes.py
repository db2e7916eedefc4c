"""The shapes of the app's answers and lines in all builds that the agent knows, and the comparison with them.

A shape has the fields that every known build sends, and those that only some send. It says nothing about
values. A new or missing field does no harm by itself: the decoders ignore it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.errors import AgentError
from huggingchat_agent.events import Drift
from huggingchat_agent.wire import content, lenient_json, purposes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from huggingchat_agent.wire.purposes import Purpose

LONGEST = 1024 * 1024  # bytes of an answer that is compared; reading a larger one twice takes too long
MOST = 20  # differences that one object reports: it may be a map with keys of its own
_LONGEST_NAME = 60  # characters of a name that comes from the app


class Shape(msgspec.Struct, frozen=True):
    """An object. `part` is what a person calls it. `below` has the shapes of fields, or of their items."""

    part: str
    always: frozenset[str]
    sometimes: frozenset[str] = frozenset()
    below: dict[str, Shape] = {}


def _shape(part: str, always: str, sometimes: str = "", **below: Shape) -> Shape:
    return Shape(part, frozenset(always.split()), frozenset(sometimes.split()) | set(below), below)


_OF_MESSAGES = (
    "createdAt updatedAt updates generationId materializedSeq interrupted reasoning routerMetadata score "
    "webSearch webSearchId"
)
_FILE = _shape("a file of a message", "name mime value", "type")
_MESSAGE = _shape("a message", "id from content children ancestors", _OF_MESSAGES, files=_FILE)
_MESSAGE_WITHOUT_TREE = _shape("a message", "id from content", _OF_MESSAGES, files=_FILE)
_SUMMARY = _shape(
    "an entry of the list of conversations",
    "id title updatedAt",
    "_id model modelId modelTools assistantId assistant avatarUrl",
)

SHAPES: dict[type[Purpose], Shape] = {
    purposes.ListModels: _shape(
        "a model",
        "id name displayName multimodal",
        "unlisted hasInferenceAPI websiteUrl modelUrl logoUrl tokenizer datasetName datasetUrl description "
        "preprompt promptExamples parameters providers multimodalAcceptedMimetypes supportsTools "
        "supportsReasoning supportsArtifacts isRouter tools reasoning",
    ),
    purposes.ReadUser: _shape(
        "the user", "id username", "name avatarUrl email isAdmin isEarlyAccess hfUserId logoutDisabled"
    ),
    purposes.ReadSettings: _shape(
        "the settings",
        "activeModel customPrompts directPaste shareConversationsWithModelAuthors",
        "artifactsOverrides customPromptsEnabled hapticsEnabled hidePromptExamples multimodalOverrides "
        "providerOverrides reasoningEffortOverrides reasoningOverrides streamingMode toolsOverrides "
        "disableStream billingOrganization welcomeModalSeen welcomeModalSeenAt ethicsModalAccepted "
        "ethicsModalAcceptedAt hideEmojiOnSidebar assistants tools searchEnabled recentlySaved",
    ),
    purposes.FeatureFlags: _shape(
        "the feature flags",
        "loginEnabled",
        "enableAssistants isAdmin transcriptionEnabled searchEnabled enableAssistantsRAG "
        "enableCommunityTools loginRequired guestMode",
    ),
    purposes.McpServers: _shape("a tool server", "name url", "id type isLocked headers"),
    purposes.CreateConversation: _shape("a new conversation", "conversationId", "conversation"),
    purposes.ListConversations: _shape(
        "the list of conversations", "conversations", "hasMore nConversations", conversations=_SUMMARY
    ),
    purposes.ReadConversation: _shape(
        "a conversation",
        "messages title",
        "id model modelId preprompt rootMessageId updatedAt shared deployedSpaces assistant assistantId "
        "modelTools",
        messages=_MESSAGE,
    ),
}

# The older route gives messages in a list.
_WITHOUT_TREE = _shape(
    "a conversation",
    "messages title",
    "id modelId updatedAt assistantId modelTools",
    messages=_MESSAGE_WITHOUT_TREE,
)

# By type, and by subtype or status where the type has those.
LINES: dict[tuple[str, str | None], Shape] = {
    (kind, below): _shape(f"the stream's line {' '.join(filter(None, (kind, below)))}", always, sometimes)
    for kind, below, always, sometimes in (
        ("status", "started", "", "message"),
        ("status", "keepAlive", "", "message"),
        ("status", "finished", "", "message"),
        ("status", "error", "message", "statusCode"),
        ("title", None, "title", ""),
        ("stream", None, "token", "len"),
        ("finalAnswer", None, "text interrupted", "webSources"),
        ("reasoning", "stream", "token", ""),
        ("reasoning", "status", "status", ""),
        ("routerMetadata", None, "", "route model provider"),
        ("tool", "call", "uuid call", "argumentsRaw content originalId"),
        ("tool", "eta", "uuid eta", ""),
        ("tool", "progress", "uuid progress", "total message"),
        ("tool", "result", "uuid result", ""),
        ("tool", "error", "uuid", "message"),
        ("file", None, "name sha mime", ""),
        ("webSearch", "update", "message", "args"),
        ("webSearch", "error", "message", "args"),
        ("webSearch", "sources", "sources", "message"),
        ("webSearch", "finished", "", ""),
        ("elicitation", "request", "request", "expiresAt toolUuid"),
        ("elicitation", "resolved", "elicitationId", "action resolution content"),
    )
}
# What of a page's data is compared, by the key that it has there.
_OF_PAGES: dict[type[Purpose] | None, str] = {
    purposes.ListModels: "models",
    purposes.ReadSettings: "settings",
    purposes.ReadConversation: "messages",
}
_TAGS = {"type", "subtype", "status"}
_OF_TREES = {"rootMessageId", "preprompt", "model"}


def compare(purpose: type[Purpose] | None, body: str | bytes) -> Iterator[Drift]:
    """The differences in a successful answer to a request of that purpose."""
    shape = SHAPES.get(purpose) if purpose is not None else None
    if shape is None or len(body) > LONGEST:
        return
    try:
        value = _load(purpose, body)
    except (ValueError, AgentError):
        return  # the decoders say what is wrong with it
    if purpose is purposes.ListConversations and isinstance(value, list):  # the older route has no object
        shape = _SUMMARY
    if purpose is purposes.ReadConversation and isinstance(value, dict) and not value.keys() & _OF_TREES:
        shape = _WITHOUT_TREE
    if purpose is purposes.ListModels and isinstance(value, dict) and isinstance(value.get("models"), list):
        value = value["models"]
    yield from _compare(shape, value)


def _load(purpose: type[Purpose] | None, body: str | bytes) -> Any:
    """The content of an answer for that purpose. Raises ValueError or AgentError if there is none."""
    data = body.encode() if isinstance(body, str) else body
    if content.is_page_data(data):
        key = _OF_PAGES.get(purpose)
        if key is None:
            raise ValueError("not compared")
        found = content.find_content(data, key)
        return found if purpose is purposes.ReadConversation else found[key]
    value = lenient_json.load(data)
    wrapped = isinstance(value, dict) and "json" in value and not value.keys() - {"json", "meta"}
    return value["json"] if wrapped else value


def compare_line(raw: Any) -> Iterator[Drift]:
    """The differences in a line of a stream, fresh or as a conversation stores it."""
    if not isinstance(raw, dict):
        yield Drift(part="the stream", change="new", what="a line that is no object", instead="ignored")
        return
    kind = raw.get("type")
    below = raw.get("status") if kind == "status" else raw.get("subtype")
    shape = LINES.get((kind, below)) if isinstance(kind, str) and isinstance(below, str | None) else None
    if shape is None:
        name = " ".join(str(each) for each in (kind, below) if each)
        yield Drift(
            part="the stream",
            change="new",
            what=f"the line {_shorten(name) or 'without a type'}",
            instead="passed on as an unknown event",
        )
        return
    yield from _compare_fields(shape, raw, set(raw) - _TAGS)


def _compare(shape: Shape, value: Any) -> Iterator[Drift]:
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, dict):
            continue
        yield from _compare_fields(shape, each, set(each))
        for name, below in shape.below.items():
            yield from _compare(below, each.get(name))
        if shape.part == _MESSAGE.part and isinstance(each.get("updates"), list):
            for line in each["updates"]:
                yield from compare_line(line)


def _compare_fields(shape: Shape, raw: dict[str, Any], names: set[str]) -> Iterator[Drift]:
    for name in sorted(shape.always - names - (_TAGS & set(raw))):
        yield _field(shape, "gone", name)
    new = names - shape.always - shape.sometimes
    for name in sorted(new)[:MOST]:
        yield _field(shape, "new", name)


def _field(shape: Shape, change: Any, name: str) -> Drift:
    return Drift(part=shape.part, change=change, what=f"the field {_shorten(name)}")


def _shorten(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def read_lines(pieces: Iterable[bytes]) -> Iterator[Any]:
    """The whole lines in pieces of a stream. Lines cut at either end of a piece are left out."""
    for piece in pieces:
        for line in piece.split(b"\n"):
            if line.strip():
                try:
                    value = lenient_json.load(line)
                except ValueError:
                    continue
                if isinstance(value, dict):
                    yield value
