"""HuggingChat: reads the settings and connects the parts that a chat is made of."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent import parsing
from huggingchat_agent.chat.chat import Chat
from huggingchat_agent.mistakes import asyncio_only
from huggingchat_agent.origin import have_same_origin
from huggingchat_agent.playback import taped
from huggingchat_agent.playback.stage import open_stage
from huggingchat_agent.settings import make_settings
from huggingchat_agent.tape.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path
    from typing import Unpack

    from huggingchat_agent.browser.console_messages import PageMessage
    from huggingchat_agent.browser.protocols import Page
    from huggingchat_agent.playback.faults import Fault
    from huggingchat_agent.settings import Given, Settings

_UNREACHABLE = "ERR_NAME_NOT_RESOLVED"


@asyncio_only()
class HuggingChat(Chat):
    """A signed-in browser on a chat-ui.

        async with HuggingChat() as chat:
            await chat.login()
            conversation = await chat.new_conversation()
            print((await conversation.send("hello")).text)

    Arguments are the fields of `Settings`, by name. The environment gives the others
    (`HUGGINGCHAT_BASE_URL`, ...). `async with` (or `open`) starts the browser, and its end (or `close`)
    ends it. Handlers subscribed here get the events of all conversations.

    With a tape (`replay=`, or `HUGGINGCHAT_REPLAY`) there is no browser and no network. Requests get the
    recorded answers; one that is not on the tape raises TapeMismatch.

    Opening raises BrowserMissing, BrowserError, SiteError (the address does not answer) or StorageError.
    Each call may raise more errors than it names:

    * UsageError: the chat is not open.
    * SessionRejected: the app has dropped the session, and signing in again failed.
    * SiteError: the app does not answer, or does not answer as a chat-ui does.
    * BrowserError, and the ChatError for what the app refuses.

    Use a HuggingChat only in the event loop that opened it.
    """

    def __init__(self, **given: Unpack[Given]) -> None:
        """Raises SettingsError, and TapeError for a tape that cannot be read; nothing is opened yet."""
        chosen = self._read_settings(**given)
        super().__init__(chosen, **self._make_parts(chosen))

    def _read_settings(self, **given: Unpack[Given]) -> Settings:
        chosen = make_settings(**given)
        return chosen if chosen.replay is None else taped.adapt_settings(chosen)

    def _make_parts(self, settings: Settings) -> dict[str, Any]:
        """The arguments of `Chat` for a browser or a tape."""
        if settings.replay:
            return {"tape": lambda sink: taped.TapedCalls(settings, sink).open}
        return {"recorder": Recorder(settings) if settings.record else None}


class OnTape(HuggingChat):
    """A HuggingChat in a browser that a tape answers, from `port` of loopback.

    `elsewhere` counts the requests to other origins. They are refused.
    """

    elsewhere = 0

    def __init__(self, *, port: int, **given: Unpack[Given]) -> None:
        self.port = port
        super().__init__(**given)

    def _read_settings(self, **given: Unpack[Given]) -> Settings:
        return msgspec.structs.replace(make_settings(**given), replay=None, record=None)

    def _make_parts(self, settings: Settings) -> dict[str, Any]:
        return {"watcher": _Elsewhere(self, settings.base_url)}


@contextlib.asynccontextmanager
async def on_tape(
    path: str | Path, *, speed: float = 1.0, faults: Sequence[Fault] = (), **given: Any
) -> AsyncIterator[OnTape]:
    """An open HuggingChat in a browser that a full tape answers. It is closed at the end of the block.

    `speed` and `faults` are as for `replay`, other settings (`engine`, `headless`, ...) as for HuggingChat.
    `base_url` is the tape's, and `home` is empty, so that no saved session is touched. `login()` types
    nothing: you are the user of the recording.

    Raises TapeMismatch for a request that is not on the tape: from the call that led to it, or else at the
    end of the block. Also TapeError, TapeVersion, TapeCorrupt, and UsageError for a tape that is not full.
    """
    stage = open_stage(parsing.parse_path("path", path), speed=speed, faults=faults, given=given)
    async with stage as (server, settings):
        async with OnTape(port=server.port, **settings) as chat:
            yield chat


class _Elsewhere:
    """Counts requests to other origins. Implements `session.tabs.Watcher`."""

    def __init__(self, chat: OnTape, base_url: str) -> None:
        self._chat = chat
        self._base_url = base_url

    async def watch_tab(self, page: Page) -> None:
        def hear(message: PageMessage) -> None:
            address = message.text.rpartition(" (")[2].removesuffix(")")
            if _UNREACHABLE in message.text and not have_same_origin(address, self._base_url):
                self._chat.elsewhere += 1

        await page.observe(hear)

    def see_browser(self, version: str) -> None:
        """Does nothing: the browser makes no requests by itself."""
