"""Asks at the terminal whether to sign in at an origin that the profile does not know yet."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.prompt import Confirm
from rich.text import Text

from huggingchat_agent import redact
from huggingchat_agent.cli import console

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.settings import Settings


def make_origin_prompt(settings: Settings, progress: console.Progress) -> Callable[[str], bool] | None:
    """A function that asks. None where there is no terminal: then nothing is typed there."""
    if not (sys.stdin.isatty() and console.err.is_terminal):
        return None

    def ask(origin: str) -> bool:
        with progress.pause():
            app = redact.address(settings.base_url)
            where = Text.assemble("The sign-in form of ", app, " is at another site: ", (origin, "bold"))
            console.err.print(where)
            console.err.print("The owner of that site gets what is typed there.")
            try:
                return Confirm.ask("Do you sign in there?", console=console.err, default=False)
            except EOFError:
                return False

    return ask
