"""Where a session comes from and where it is kept, as rows of `status`."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from huggingchat_agent import redact
from huggingchat_agent.cli.tables import format_date
from huggingchat_agent.origin import have_same_origin
from huggingchat_agent.state.remembered_app import read_app
from huggingchat_agent.state.storage import SavedSession

if TYPE_CHECKING:
    from huggingchat_agent.settings import Settings


def describe_app(settings: Settings) -> str:
    """The app's address, and that the profile remembers it."""
    where = redact.address(settings.base_url)
    if settings.provenance.base_url == "profile":
        return f"{where} (remembered by the profile {settings.profile!r})"
    return where


def describe_session(settings: Settings) -> list[tuple[str, object]]:
    """Where passwords may be typed, and where the session is."""
    saved = SavedSession(settings.profile_folder)
    kept = "in HUGGINGCHAT_SESSION; it is not saved"
    return [
        *repeat_label("Sign-in", _describe_origins(settings)),
        ("Profile", settings.profile_folder),
        ("Session", f"{saved.path} ({_describe_saved(saved)})" if settings.session is None else kept),
    ]


def repeat_label(label: str, lines: list[str]) -> list[tuple[str, object]]:
    """A fact of several lines, with the label before the first."""
    return [("" if number else label, line) for number, line in enumerate(lines or ["-"])]


def _describe_origins(settings: Settings) -> list[str]:
    app = read_app(settings.profile_folder)
    known = app is not None and have_same_origin(app.base_url, settings.base_url)
    pinned = app.login_origins if app is not None and known else ()
    chosen = [each for each in settings.login_origins if each not in pinned]
    return [
        f"at {settings.origin} (the app's own origin)",
        *(f"at {redact.address(each)} (pinned by an earlier sign-in)" for each in pinned),
        *(f"at {redact.address(each)} (by --login-origin or HUGGINGCHAT_LOGIN_ORIGINS)" for each in chosen),
    ]


def _describe_saved(saved: SavedSession) -> str:
    if not saved.path.exists():
        return "none saved"
    return "saved " + format_date(datetime.datetime.fromtimestamp(saved.path.stat().st_mtime, datetime.UTC))
