"""The warm session, for commands: they use one that runs, and start one if HUGGINGCHAT_WARM says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent import environment, parsing
from huggingchat_agent.cli import console
from huggingchat_agent.cli.console import note, show_progress
from huggingchat_agent.errors import SettingsError, UsageError
from huggingchat_agent.settings import make_settings

if TYPE_CHECKING:
    from typing import TypeAlias

    from huggingchat_agent import sync
    from huggingchat_agent.settings import Settings
    from huggingchat_agent.warm import conversation as warm
    from huggingchat_agent.warm.chat import WarmChat
    from huggingchat_agent.warm.protocol import Welcome

    # The objects that a command uses, in a browser of its own or in that of the warm session.
    App: TypeAlias = sync.HuggingChat | WarmChat
    Talk: TypeAlias = sync.Conversation | warm.WarmConversation
    Answering: TypeAlias = sync.Reply | warm.WarmReply

# The options that belong to one command.
_OWN = ("via", "deadlines", "record", "profile_in_use")


def find_warm(given: dict[str, Any]) -> WarmChat | None:
    """The warm session's browser, if one with these settings runs. With HUGGINGCHAT_WARM=1 this starts one if
    none runs; with HUGGINGCHAT_WARM=0 it looks for none.
    """
    wanted = environment.read("warm")
    if wanted is not None and not parsing.parse_flag("warm", wanted):
        return None
    from huggingchat_agent.warm import starting
    from huggingchat_agent.warm.chat import WarmChat
    from huggingchat_agent.warm.matching import find_obstacles

    settings = make_settings(**given)
    found = starting.find(settings)
    if found.old:
        note(f"The warm session is ended: {found.why}.")
        starting.end(settings)
    elif found.why:
        note(f"The warm session is not used: {found.why}.")
        return None
    if found.client is None and (wanted or found.old) and not find_obstacles(settings):
        start(settings, given)
        found = starting.find(settings)
    if found.client is None:
        return None
    welcome = found.client.welcome
    if console.is_verbose():
        note(f"In the browser of the warm session (process {welcome.process}).")
        if welcome.username is not None:
            note(f"Signed in as {welcome.username}.")
    return WarmChat(found.client, settings)


def start(settings: Settings, given: dict[str, Any], idle: float | None = None) -> Welcome:
    """Start a warm session with these settings. `idle` is in seconds."""
    from huggingchat_agent.cli.opening import explain_login
    from huggingchat_agent.warm import starting

    options = {name: value for name, value in given.items() if name not in _OWN and value is not None}
    with show_progress("Starting the warm session"), explain_login(settings):
        return starting.start(settings, options, idle=read_idle() if idle is None else idle)


def serve(given: dict[str, Any], *, background: bool, stop: bool, idle: float | None, json: bool) -> None:
    """`serve --background` and `serve --stop`. `idle` is in minutes."""
    if background == stop:
        raise UsageError("Give --background to start a warm session, or --stop to end it.")
    if idle is not None and (stop or not idle > 0):
        raise UsageError("--idle is a number of minutes above 0, and goes with --background.")
    settings = make_settings(**given)
    if stop:
        ended = end(settings)
        console.report(
            f"The warm session of profile {settings.profile!r} {'has ended' if ended else 'is not running'}."
        )
        return
    about = start(settings, given, None if idle is None else 60 * idle)
    if json:
        console.write_line(msgspec.json.encode({"process": about.process, "idle": about.idle}))
        return
    console.report(
        f"A browser stays open for profile {settings.profile!r} (process {about.process}). It ends after "
        f"{about.idle / 60:g} minutes without a command."
    )
    console.note("To end it now: huggingchat serve --stop")


def end(settings: Settings) -> bool:
    """End the warm session of the profile. False if none runs."""
    from huggingchat_agent.warm import starting

    with show_progress("Ending the warm session"):
        return starting.end(settings)


def read_idle() -> float:
    """Seconds after which an idle warm session ends."""
    from huggingchat_agent.warm.starting import IDLE

    minutes = environment.read("warm_idle")
    if minutes is None:
        return IDLE
    try:
        return 60 * parsing.parse_seconds("warm_idle", minutes)
    except SettingsError:
        raise SettingsError(
            f"HUGGINGCHAT_WARM_IDLE is a number of minutes above 0, not {minutes!r}."
        ) from None
