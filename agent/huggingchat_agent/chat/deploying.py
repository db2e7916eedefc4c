"""Publishes an artifact as a Space of the account."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.artifact import Artifact
from huggingchat_agent.errors import ChatError, PageChanged, UsageError
from huggingchat_agent.user_text import require_text
from huggingchat_agent.wire import requests, superjson
from huggingchat_agent.wire.structs import convert

if TYPE_CHECKING:
    from huggingchat_agent.chat.conversation import Conversation

TITLE_LENGTH = 200
_TYPES = ("html", "svg", "react", "mermaid")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,256}")


class Deployment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A Space that shows an artifact. `created` is false if an existing Space was updated."""

    repo_id: str
    url: str
    created: bool = True
    extra: dict[str, Any] = {}


def check(artifact: Artifact, title: str | None) -> str:
    """The title of the Space. Raises UsageError for an artifact that the app does not deploy."""
    if not isinstance(artifact, Artifact):
        raise UsageError(f"Give an artifact of an answer, not {artifact!r}.")
    if artifact.type not in _TYPES:
        raise UsageError(
            f"The app publishes only {', '.join(_TYPES)}. This artifact is {artifact.type}. Save it instead."
        )
    if not _IDENTIFIER.fullmatch(artifact.identifier):
        raise UsageError(
            "The app cannot publish an artifact with this identifier: only letters, digits, - and _ fit."
        )
    chosen = require_text("The title", artifact.title if title is None else title).strip()
    if title is None:
        chosen = chosen[:TITLE_LENGTH] or artifact.identifier[:TITLE_LENGTH]
    if not 0 < len(chosen) <= TITLE_LENGTH:
        raise UsageError(f"The title of a Space has 1 to {TITLE_LENGTH} characters.")
    return chosen


async def deploy(
    conversation: Conversation, artifact: Artifact, *, title: str | None, public: bool, version: int | None
) -> Deployment:
    """Make or update the Space. Raises UsageError where the app has no such thing."""
    name = check(artifact, title)
    chosen = artifact.last if version is None else artifact.version(version)
    request = requests.deploy_space(
        conversation.id, artifact.identifier, name, chosen.type, chosen.content, public=public
    )
    try:
        body = await conversation._ask(request)
    except PageChanged as error:
        if not error.part:
            raise
        raise UsageError(
            f"This app cannot publish artifacts (it has no {request.path}). Save the artifact instead."
        ) from None
    except ChatError as error:
        if error.status == 403 and "permission" in error.message.lower():
            error.add_note("`huggingchat logout` and `huggingchat login` ask for the permissions again.")
        raise
    return convert(Deployment, superjson.load(body))
