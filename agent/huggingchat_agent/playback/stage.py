"""A tape played in a real browser, at the original address, without the network.

    async with on_tape("run.tape") as chat:
        await chat.login()
        conversation = await chat.new_conversation()
        answer = await conversation.send("hello")       # what was sent then, and answered so

The browser's pages and scripts are those of the tape too, so that what an app did once can be looked
at again as often as one likes. It takes a full tape, and the extra `replay`.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from huggingchat_agent.chat.chat import HuggingChat
from huggingchat_agent.errors import UsageError
from huggingchat_agent.playback.playback import pace
from huggingchat_agent.tape import faults as faulty
from huggingchat_agent.tape.digest import digest
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.tape.serve import TapeServer
from huggingchat_agent.tape.shelf import mismatched

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from huggingchat_agent.browser.console_messages import Said
    from huggingchat_agent.browser.protocols import Page
    from huggingchat_agent.tape.faults import Fault

_UNREACHABLE = "ERR_NAME_NOT_RESOLVED"


class OnTape(HuggingChat):
    """A HuggingChat whose app is a tape, served on `port` of loopback.

    `elsewhere` counts what went to other origins, and was refused.
    """

    elsewhere = 0
    port = 0

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.session.recorder = _Refused(self)


@contextlib.asynccontextmanager
async def on_tape(
    path: str | Path, *, speed: float = 1.0, faults: Sequence[Fault] = (), **given: Any
) -> AsyncIterator[OnTape]:
    """An open HuggingChat in a browser that is answered from a full tape; closed at the end of the block.

    `speed` and `faults` are as for `replay`; further settings (`engine`, `headless`, ...) as for
    HuggingChat, but for `base_url` and `home`: the address is the tape's, and no saved session is touched.
    Signing in is not on tapes, and not needed: who was signed in then, is.

    Raises TapeMismatch where the app asks for something that is not on the tape: from the call that led
    to it, else at the end of the block. TapeError, TapeVersion, TapeCorrupt, and UsageError for a tape
    that is not full.
    """
    async with staged(Path(path), speed=speed, faults=faults, given=given) as (server, settings):
        chat = OnTape(**settings)
        chat.port = server.port
        async with chat:
            yield chat


@contextlib.asynccontextmanager
async def staged(
    path: Path, *, speed: float, faults: Sequence[Fault], given: Mapping[str, Any]
) -> AsyncIterator[tuple[TapeServer, dict[str, Any]]]:
    """A server that answers from the tape, and the settings of a HuggingChat for it.

    Raises as `on_tape`.
    """
    tape = Tape(path)
    speed = pace(speed)
    if not tape.header.full:
        raise UsageError(f"{path} is no full tape: record with full=True (--full) to replay it in a browser.")
    recording = tape.load(pictures=False)
    if recording.trouble is not None:
        raise recording.trouble
    # A pause is one of the clock on the wall here, whatever the speed.
    pauses = {faulty.exchange_of(recording.records, each): each.stall for each in faults if each.stall}
    changed = faulty.with_faults(recording.records, [each for each in faults if not each.stall])
    server = TapeServer(digest(recording._replace(records=changed)), speed=speed, stalls=pauses)
    async with server:
        with tempfile.TemporaryDirectory(prefix="huggingchat-tape-", ignore_cleanup_errors=True) as home:
            switches = (*(given.get("browser_args") or ()), *server.switches)
            yield server, {**given, "base_url": tape.header.base_url, "home": home, "browser_args": switches}
    if mismatch := mismatched(server.mismatches):
        raise mismatch


class _Refused:
    """Hears from the pages what they could not load. Implements `session.Witness`."""

    def __init__(self, chat: OnTape) -> None:
        self._chat = chat
        self._ours = urlsplit(chat.settings.base_url).netloc

    async def watch(self, page: Page) -> None:
        def hear(said: Said) -> None:
            if _UNREACHABLE in said.text and self._ours not in said.text:
                self._chat.elsewhere += 1

        await page.observe(hear)

    def started(self, version: str) -> None:
        return

    def hidden(self) -> None:
        return
