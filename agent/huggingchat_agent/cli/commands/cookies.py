"""`cookies export`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from huggingchat_agent.cli import console
from huggingchat_agent.cli.opening import open_any
from huggingchat_agent.cli.options import Options
from huggingchat_agent.state.cookies import Format


def cookies(options: Options) -> None:
    """Export the session's cookies for other programs.

    `huggingchat login --cookies FILE` reads them again.
    """


def export(
    options: Options,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write them.")],
    format: Annotated[
        Format,
        typer.Option(
            "--format",
            "-f",
            help="state: a Playwright storage state; json: for browser extensions; netscape: a cookies.txt; "
            "plain: names and values.",
        ),
    ] = "state",
) -> None:
    """Write the session's cookies to a file, for another program or another machine.

    This first asks the app whether the session is good. Anybody who has the file is signed in as you. Only
    you can read it; keep it that way.
    """
    with open_any(options) as chat:
        chat.export_cookies(file, format)
    console.report(f"The cookies are in {file}.")


COMMANDS: dict[Callable[..., None], tuple[str, ...]] = {
    export: (
        "huggingchat cookies export state.json",
        "huggingchat cookies export cookies.txt --format netscape",
    )
}
