"""`record`: opens a window for a person, and records on a tape what happens in it."""

import asyncio
import contextlib
from pathlib import Path
from typing import Annotated

import typer

from huggingchat_agent import events
from huggingchat_agent.chat.chat import get_session
from huggingchat_agent.cli import console
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.taping import Full, Hide, HideUsername, make_record
from huggingchat_agent.errors import TapeError
from huggingchat_agent.huggingchat import HuggingChat
from huggingchat_agent.setting_values import NO_DEADLINES
from huggingchat_agent.tape.reader import Tape


def record(
    options: Options,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The tape.")],
    full: Full = False,
    hide: Hide = None,
    hide_username: HideUsername = False,
) -> None:
    """Open the app in a window, and record what you do there until you close it or press Ctrl-C.

    It uses the saved session, if there is one. It records the tab that it opens, but no sign-in.
    """
    tape = make_record(file, full, hide, hide_username)
    # A person may take their time: no deadline stops them.
    given = {**options.to_settings(), "headless": False, "record": tape, "deadlines": NO_DEADLINES}
    try:
        asyncio.run(_watch(HuggingChat(**given)))
    except KeyboardInterrupt:
        if file.exists() and not _is_whole(file):
            console.warn("the tape is incomplete: Ctrl-C came again before it was closed.")
        raise
    console.out.print(str(file))


def _is_whole(file: Path) -> bool:
    try:
        return Tape(file).load(pictures=False).complete
    except TapeError:
        return False


async def _watch(chat: HuggingChat) -> None:
    def tell(event: events.TurnEvent) -> None:
        console.note(f"Turn {event.turn}: {event.name}")

    for name in (events.Started.name, events.Finished.name, events.Failed.name):
        chat.on(name, tell)
    async with chat:
        console.note("Recording. Close the window, or press Ctrl-C, to end it.")
        # The first Ctrl-C ends the recording. Another one, or an earlier one, interrupts the command.
        with contextlib.suppress(asyncio.CancelledError):
            await get_session(chat).tabs.wait_until_closed()
        console.note("Closing the tape.")
