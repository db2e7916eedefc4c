"""Why a browser did not start or is not there to connect to, in words that one can act upon."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from huggingchat_agent import redact
from huggingchat_agent.errors import BrowserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from huggingchat_agent.settings import Settings

DEFAULT_PROFILE = (
    "Since version 136 Chrome and Edge cannot be driven with the profile folder that they use by default. "
    "Make a copy of it, or name an empty folder and sign in there once."
)
NO_DISPLAY = (
    "There is no display to show the browser's window on. Run this on a desktop, or under `xvfb-run`; or "
    "leave the window out (headless, no --headed)."
)
IN_USE = (
    "The profile folder is in use by a browser that runs. Close that browser; or start it with "
    "--remote-debugging-port=9222 and connect to it."
)
# What browsers write when they give up, in lower case.
_WRITTEN = {
    "non-default data directory": DEFAULT_PROFILE,
    "missing x server": NO_DISPLAY,
    "unable to open x display": NO_DISPLAY,
    "opening in existing browser session": IN_USE,
    "profile appears to be in use": IN_USE,
    "failed to create a processsingleton": IN_USE,
}
_DEFAULT_FOLDERS = {
    "linux": ("~/.config/google-chrome", "~/.config/google-chrome-beta", "~/.config/microsoft-edge"),
    "darwin": (
        "~/Library/Application Support/Google/Chrome",
        "~/Library/Application Support/Microsoft Edge",
    ),
    "win32": (r"%LocalAppData%\Google\Chrome\User Data", r"%LocalAppData%\Microsoft\Edge\User Data"),
}


def check_settings(settings: Settings, environment: Mapping[str, str] = os.environ) -> None:
    """Raise BrowserError for what would have the browser hang, or end without a good word."""
    if settings.user_data_dir is not None:
        folders = (os.path.expandvars(each) for each in _DEFAULT_FOLDERS.get(sys.platform, ()))
        if settings.user_data_dir in [Path(each).expanduser() for each in folders]:
            raise BrowserError(f"{settings.user_data_dir} cannot be used. {DEFAULT_PROFILE}")
    shown = sys.platform != "linux" or environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    if not settings.headless and not shown:
        raise BrowserError(NO_DISPLAY)


def explain_output(written: str) -> str:
    """The sentence for what a browser has written, "" if it is nothing we know."""
    lower = written.lower()
    return next((sentence for mark, sentence in _WRITTEN.items() if mark in lower), "")


def start_error(path: str, written: Sequence[str]) -> BrowserError:
    """The error for a browser that ended at once, with the lines it wrote before."""
    if sentence := explain_output("\n".join(written)):
        return BrowserError(sentence)
    telling = [line for line in written if "FATAL" in line] or written[-3:]
    return BrowserError(
        f"The browser did not start ({path}): {redact.text(' '.join(telling)).rstrip('.')}. See that this is "
        "a Chromium, and that it can write to its profile folder."
    )


def connect_error(connect: str, why: str) -> BrowserError:
    """The error for a browser that is not to be connected to."""
    return BrowserError(
        f"There is no browser to connect to at {redact.address(connect)}: {redact.text(why).rstrip('.')}. "
        "Start it with --remote-debugging-port=9222 --user-data-dir=FOLDER; since version 136 Chrome ignores "
        "the port for the profile folder that it uses by default."
    )
