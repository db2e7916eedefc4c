"""The options that add faults to a tape."""

from typing import Annotated

import typer

from huggingchat_agent.errors import UsageError
from huggingchat_agent.playback import faults

_PANEL = "Faults to add to a tape, in the first message or in message --in"

Cut = Annotated[
    int | None,
    typer.Option(
        "--cut",
        metavar="BYTES",
        min=0,
        rich_help_panel=_PANEL,
        help="Break the stream after this many bytes.",
    ),
]
Stall = Annotated[
    str | None,
    typer.Option(
        "--stall",
        metavar="BYTES:SECONDS",
        rich_help_panel=_PANEL,
        help="Pause the stream after this many bytes, for this long.",
    ),
]
Status = Annotated[
    int | None,
    typer.Option(
        "--status",
        metavar="CODE",
        min=faults.STATUSES[0],
        max=faults.STATUSES[-1],
        rich_help_panel=_PANEL,
        help="Answer with this status, from 200 to 599.",
    ),
]
InMessage = Annotated[
    int | None,
    typer.Option(
        "--in", metavar="N", min=1, rich_help_panel=_PANEL, help="Which message fails, from 1. Default: 1."
    ),
]


def choose_faults(
    cut: int | None, stall: str | None, status: int | None, message: int | None
) -> list[faults.Fault]:
    """The faults that these options name. Raises UsageError."""
    nth = message or 1
    chosen = []
    if cut is not None:
        chosen.append(faults.cut(cut, nth=nth))
    if stall is not None:
        after, _, seconds = stall.partition(":")
        try:
            chosen.append(faults.stall(int(after), float(seconds), nth=nth))
        except ValueError:
            raise UsageError(f"--stall takes BYTES:SECONDS, such as 500:3, not {stall!r}.") from None
    if status is not None:
        chosen.append(faults.status(status, nth=nth))
    if message is not None and not chosen:
        raise UsageError("--in names the message for a fault. Give --cut, --stall or --status with it.")
    return chosen
