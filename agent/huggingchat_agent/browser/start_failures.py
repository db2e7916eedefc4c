"""The reasons why a browser does not start or cannot be reached, each with advice."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from huggingchat_agent import redact
from huggingchat_agent.browser.known_browsers import KNOWN
from huggingchat_agent.errors import BrowserError, BrowserTimeout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggingchat_agent.endpoint import Endpoint
    from huggingchat_agent.settings import Settings

# The arguments of a BrowserError: what happened, and what to do about it at each door.
DEFAULT_PROFILE = {
    "message": "Since version 136, Chrome and Edge cannot be driven with their default profile folder.",
    "hint": 'Take the session from it with login(from_browser="chrome"), use the browser while it runs with '
    'connect="auto", or name an empty folder and sign in there once.',
    "shell_hint": "Take the session from it with `huggingchat login --from-browser chrome`, use the browser "
    "while it runs with --connect auto, or name an empty folder and sign in there once.",
}
NO_DISPLAY = {
    "message": "There is no display for the browser's window.",
    "hint": "Run this on a desktop or under `xvfb-run`, or leave out headless=False.",
    "shell_hint": "Run this on a desktop or under `xvfb-run`, or leave out --headed.",
}
IN_USE = {
    "message": "A running browser is using the profile folder.",
    "hint": "Close that browser, or start it with --remote-debugging-port=9222 and connect to it with "
    'connect="http://127.0.0.1:9222".',
    "shell_hint": "Close that browser, or start it with --remote-debugging-port=9222 and connect to it with "
    "--connect http://127.0.0.1:9222.",
}
# What browsers print when they do not start, in lower case.
_WRITTEN = {
    "non-default data directory": DEFAULT_PROFILE,
    "missing x server": NO_DISPLAY,
    "unable to open x display": NO_DISPLAY,
    "opening in existing browser session": IN_USE,
    "profile appears to be in use": IN_USE,
    "failed to create a processsingleton": IN_USE,
}
# Those that cannot be driven with their default profile folder.
_BRANDED = ("chrome", "edge")


def check_settings(settings: Settings) -> None:
    """Raise BrowserError for settings that would make the browser hang or end without a clear message."""
    if settings.user_data_dir is not None:
        branded = [each for each in KNOWN if each.name.startswith(_BRANDED)]
        if settings.user_data_dir in [folder for each in branded for folder in each.list_folders()]:
            message = f"{settings.user_data_dir} cannot be used. {DEFAULT_PROFILE['message']}"
            raise BrowserError(**DEFAULT_PROFILE | {"message": message})
    shown = sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not settings.headless and not shown:
        raise BrowserError(**NO_DISPLAY)


def explain_output(written: str) -> BrowserError | None:
    """The error for a browser's output, None if nothing in it is known."""
    lower = written.lower()
    return next((BrowserError(**why) for mark, why in _WRITTEN.items() if mark in lower), None)


def make_start_error(path: str, written: Sequence[str]) -> BrowserError:
    """The error for a browser that ended at once, from the lines that it wrote."""
    if known := explain_output("\n".join(written)):
        return known
    telling = [line for line in written if "FATAL" in line] or written[-3:]
    return BrowserError(
        f"The browser did not start ({path}): {redact.text(' '.join(telling)).rstrip('.')}. Check that this "
        "is a Chromium, and that it can write to its profile folder."
    )


def make_connect_error(endpoint: Endpoint, why: str) -> BrowserError:
    """The error for a browser that cannot be connected to."""
    return BrowserError(
        f"No browser answers at {endpoint}: {redact.text(why).rstrip('.')}. "
        "Start it with --remote-debugging-port=9222 --user-data-dir=FOLDER. Since version 136, Chrome "
        "ignores the port with its default profile folder."
    )


def make_all_dead_error(reasons: Sequence[str]) -> BrowserError:
    """The error if the agent can connect to none of several browsers, with a reason for each."""
    each = redact.text("; ".join(reason.rstrip(".") for reason in reasons))
    return BrowserError(f"None of {len(reasons)} browsers answers. {each}.", hint="Start one of them.")


def make_busy_error(endpoint: Endpoint, seconds: float) -> BrowserError:
    """The error for a running browser that does not answer Playwright."""
    return BrowserTimeout(
        f"The browser at {endpoint} did not answer within {seconds:g} s. Playwright asks "
        "all of its tabs, and one of them may be busy.",
        hint='Close that tab, or use engine="nodriver", which asks only its own.',
        shell_hint="Close that tab, or use --engine nodriver, which asks only its own.",
    )
