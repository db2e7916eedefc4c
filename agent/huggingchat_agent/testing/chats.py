"""Opening what a test asks for, and closing it when the test is over."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from huggingchat_agent import sync
from huggingchat_agent.huggingchat import HuggingChat
from huggingchat_agent.settings import settings
from huggingchat_agent.state.storage import SavedSession
from huggingchat_agent.testing import failure_report, markers, observations, tapes
from huggingchat_agent.testing.loops import complete

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pytest

    from huggingchat_agent.chat.conversation import Conversation
    from huggingchat_agent.settings import Settings


@contextlib.contextmanager
def asynchronous(
    item: pytest.Function,
    given: Mapping[str, Any],
    folder: Path,
    home: Path,
    loop: asyncio.AbstractEventLoop,
) -> Iterator[HuggingChat]:
    """A HuggingChat that is open and signed in, in the loop of the test."""
    with tapes.running(item, _of_worker(given, home), folder, home) as wanted:
        chat = HuggingChat(**wanted)
        note = observations.of(item).listen(chat, chat.settings)
        if not chat.settings.replay:
            note.picture = lambda path: complete(loop, chat.screenshot(path))
        try:
            with failure_report.step(item, note, "The browser was being opened"):
                complete(loop, chat.open())
            with failure_report.step(item, note, _signing_in(chat.settings)):
                complete(loop, chat.login())
            yield chat
        finally:
            note.picture = None
            complete(loop, chat.close())


@contextlib.contextmanager
def synchronous(
    item: pytest.Function, given: Mapping[str, Any], folder: Path, home: Path
) -> Iterator[sync.HuggingChat]:
    """The same without async."""
    with tapes.running(item, _of_worker(given, home), folder, home) as wanted:
        chat = sync.HuggingChat(**wanted)
        note = observations.of(item).listen(chat.inner, chat.settings)
        if not chat.settings.replay:
            note.picture = chat.screenshot
        try:
            with failure_report.step(item, note, "The browser was being opened"):
                chat.open()
            with failure_report.step(item, note, _signing_in(chat.settings)):
                chat.login()
            yield chat
        finally:
            note.picture = None
            chat.close()


@contextlib.contextmanager
def conversation(
    item: pytest.Function, chat: HuggingChat, loop: asyncio.AbstractEventLoop
) -> Iterator[Conversation]:
    """A new conversation, deleted on the server at the end unless it is to be kept."""
    made = complete(loop, chat.new_conversation(**_chosen(item, chat.settings)))
    yield made
    if made.temporary:
        complete(loop, made.delete())


@contextlib.contextmanager
def conversation_sync(item: pytest.Function, chat: sync.HuggingChat) -> Iterator[sync.Conversation]:
    """The same without async."""
    with chat.new_conversation(**_chosen(item, chat.settings)) as made:
        yield made


def _signing_in(settings: Settings) -> str:
    if settings.username is not None or settings.replay is not None:
        return f"It was being signed in to {settings.base_url}"
    return (
        f"It was being signed in to {settings.base_url}, for which `huggingchat login` saves a session, or "
        "HUGGINGCHAT_USERNAME and HUGGINGCHAT_PASSWORD say who it is,"
    )


def _chosen(item: pytest.Function, settings: Settings) -> dict[str, Any]:
    """How a conversation is made. On a tape nothing is left to be deleted."""
    chosen = markers.of(item)
    return {"model": chosen.model, "temporary": not (chosen.keep or settings.replay)}


def _of_worker(given: Mapping[str, Any], home: Path) -> dict[str, Any]:
    """The settings with a home of the worker's own, which begins with the session saved by hand.

    A home that the settings name is used as it is.
    """
    if given.get("home"):
        return dict(given)
    own = {**given, "home": home}
    theirs = SavedSession(settings(**given).profile_folder)
    ours = SavedSession(settings(**own).profile_folder)
    if not ours.path.exists() and (saved := theirs.load()) is not None:
        ours.save(saved)
    return own
