"""Opens the chats and conversations of a test, and closes them when the test is over."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from huggingchat_agent import sync
from huggingchat_agent.huggingchat import HuggingChat
from huggingchat_agent.settings import make_settings
from huggingchat_agent.state.remembered_app import read_app, write_app
from huggingchat_agent.state.storage import SavedSession
from huggingchat_agent.sync.handlers import get_inner
from huggingchat_agent.testing import failure_report, markers, observations, tapes
from huggingchat_agent.testing.loops import run_until_complete

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pytest

    from huggingchat_agent.chat.conversation import Conversation
    from huggingchat_agent.settings import Settings


@contextlib.contextmanager
def open_chat(
    item: pytest.Function, given: Mapping[str, Any], folder: Path, home: Path, loop: asyncio.AbstractEventLoop
) -> Iterator[HuggingChat]:
    """A HuggingChat, open and signed in, in the test's loop."""
    with tapes.run_on_tape(item, use_worker_home(given, home), folder, home) as wanted:
        chat = HuggingChat(**wanted)
        note = observations.get_observations(item).observe(chat, chat.settings)
        if not chat.settings.replay:
            note.picture = lambda path: run_until_complete(loop, chat.screenshot(path))
        try:
            with failure_report.run_step(item, note, "The browser was being opened"):
                run_until_complete(loop, chat.open())
            with failure_report.run_step(item, note, _describe_sign_in(chat.settings)):
                run_until_complete(loop, chat.login())
            yield chat
        finally:
            note.picture = None
            run_until_complete(loop, chat.close())


@contextlib.contextmanager
def open_sync_chat(
    item: pytest.Function, given: Mapping[str, Any], folder: Path, home: Path
) -> Iterator[sync.HuggingChat]:
    """The same without async."""
    with tapes.run_on_tape(item, use_worker_home(given, home), folder, home) as wanted:
        chat = sync.HuggingChat(**wanted)
        note = observations.get_observations(item).observe(get_inner(chat), chat.settings)
        if not chat.settings.replay:
            note.picture = chat.screenshot
        try:
            with failure_report.run_step(item, note, "The browser was being opened"):
                chat.open()
            with failure_report.run_step(item, note, _describe_sign_in(chat.settings)):
                chat.login()
            yield chat
        finally:
            note.picture = None
            chat.close()


@contextlib.contextmanager
def open_conversation(
    item: pytest.Function, chat: HuggingChat, loop: asyncio.AbstractEventLoop
) -> Iterator[Conversation]:
    """A new conversation. It is deleted on the server at the end, unless the test keeps it."""
    made = run_until_complete(loop, chat.new_conversation(**_make_conversation_args(item, chat.settings)))
    yield made
    if made.temporary:
        run_until_complete(loop, made.delete())


@contextlib.contextmanager
def open_sync_conversation(item: pytest.Function, chat: sync.HuggingChat) -> Iterator[sync.Conversation]:
    """The same without async."""
    with chat.new_conversation(**_make_conversation_args(item, chat.settings)) as made:
        yield made


def _describe_sign_in(settings: Settings) -> str:
    if settings.username is not None or settings.replay is not None:
        return f"The agent was signing in to {settings.base_url}"
    return (
        f"The agent was signing in to {settings.base_url} (`huggingchat login` saves a session; "
        "HUGGINGCHAT_USERNAME and HUGGINGCHAT_PASSWORD name the account)"
    )


def _make_conversation_args(item: pytest.Function, settings: Settings) -> dict[str, Any]:
    """The arguments for a new conversation. On a tape there is nothing to delete."""
    chosen = markers.read_marker(item)
    return {"model": chosen.model, "temporary": not (chosen.keep or settings.replay)}


def use_worker_home(given: Mapping[str, Any], home: Path) -> dict[str, Any]:
    """The settings with the worker's own home, which starts from the session that `login` saved.

    A home named in the settings is used as it is.
    """
    if given.get("home"):
        return dict(given)
    own = {**given, "home": home}
    theirs = SavedSession(make_settings(**given).profile_folder)
    ours = SavedSession(make_settings(**own).profile_folder)
    if not ours.path.exists() and (saved := theirs.load()) is not None:
        ours.save(saved)
        if (app := read_app(theirs.folder)) is not None:
            write_app(ours.folder, app)
    return own
