"""State folders with a saved session, for tests that are not about signing in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggingchat_agent.state.storage import SavedSession

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.site import StandIn


def save_session(site: StandIn, home: Path, profile: str = "default") -> Path:
    """Save a session of the site's account in a profile of that home. Returns the home."""
    SavedSession(home / "profiles" / profile).save(site.control.open_session())
    return home
