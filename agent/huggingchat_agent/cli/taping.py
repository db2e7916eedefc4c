"""The options of commands that can record what they do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from huggingchat_agent import environment
from huggingchat_agent.errors import UsageError
from huggingchat_agent.setting_values import Record

PANEL = "Recording"

RecordTo = Annotated[
    Path | None,
    typer.Option(
        "--record", metavar="FILE", rich_help_panel=PANEL, help="Record the session on this tape, redacted."
    ),
]
Full = Annotated[
    bool,
    typer.Option(
        "--full", rich_help_panel=PANEL, help="Record pages and scripts too, to replay in a browser."
    ),
]
Hide = Annotated[
    list[str] | None,
    typer.Option(
        "--hide",
        metavar="PATTERN",
        rich_help_panel=PANEL,
        help="Leave out what this regular expression finds. Can be given several times.",
    ),
]
HideUsername = Annotated[
    bool, typer.Option("--hide-username", rich_help_panel=PANEL, help="Leave out the user's name.")
]


def make_record(path: Path | None, full: bool, hide: list[str] | None, hide_username: bool) -> Record | None:
    """The recording that these options ask for. Raises UsageError without --record, or if a tape answers."""
    if path is None:
        if full or hide or hide_username:
            raise UsageError(
                "--full, --hide and --hide-username are for a tape. Give --record FILE with them."
            )
        return None
    if environment.read("replay"):
        raise UsageError("HUGGINGCHAT_REPLAY is set: a tape answers, and nothing can be recorded. Unset it.")
    return Record(path.absolute(), full=full, hide=tuple(hide or ()), hide_username=hide_username)
