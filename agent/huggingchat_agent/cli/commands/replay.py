"""`replay`: plays a tape without a network, and without a browser unless you want one."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from huggingchat_agent import events
from huggingchat_agent.cli import console
from huggingchat_agent.cli.fault_options import Cut, InMessage, Stall, Status, choose_faults
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.show import Screen
from huggingchat_agent.playback.player import Replay
from huggingchat_agent.playback.rerun import Rerun

_OF_THE_BROWSER = ("engine", "headless", "channel")


def replay(
    options: Options,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The tape.")],
    json: Annotated[bool, typer.Option("--json", help="Print every event as one line of JSON.")] = False,
    speed: Annotated[
        float, typer.Option(metavar="X", help="1 is the recorded speed, 2 twice that, 0 takes no time.")
    ] = 1.0,
    browser: Annotated[
        bool, typer.Option("--browser", help="Replay in a real browser, from a full tape. --headed shows it.")
    ] = False,
    cut: Cut = None,
    stall: Stall = None,
    status: Status = None,
    message: InMessage = None,
) -> None:
    """Play a tape: the same events, in the same order, at the same speed.

    This opens no browser and sends nothing. A pause of more than a minute takes a minute. With --browser, the
    agent repeats its actions in a browser that reaches only the tape. The exit code is 1 if a turn fails, on
    the tape or because of a fault.
    """
    chosen = choose_faults(cut, stall, status, message)
    if browser:
        given = {name: value for name, value in options.to_settings().items() if name in _OF_THE_BROWSER}
        played: Replay | Rerun = Rerun(file, speed=speed, faults=chosen, **given)
    else:
        played = Replay(file, speed=speed, faults=chosen)
    failed = asyncio.run(_play(played, json=json))
    if failed:
        raise SystemExit(1)


async def _play(played: Replay | Rerun, *, json: bool) -> bool:
    failed = False
    screen = None if json else Screen()
    try:
        async for event in played:
            failed = failed or isinstance(event, events.Failed)
            if screen is None:
                console.write_line(events.to_json(event))
                continue
            if isinstance(event, events.TurnEvent):
                screen.show(event)
            if isinstance(event, events.Finished | events.Failed):
                screen.end()
            if isinstance(event, events.Failed):
                console.warn(f"turn {event.turn} failed: {event.message}")
    finally:
        if screen is not None:
            screen.end()
    if not played.complete:
        console.warn("the tape is incomplete: the program that recorded it ended before it closed the tape.")
    return failed
