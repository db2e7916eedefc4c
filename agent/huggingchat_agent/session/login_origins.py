"""Where a profile signs in to its app: the origins at which a password may be typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggingchat_agent.origin import have_same_origin
from huggingchat_agent.site.signin.allowed_origins import AllowedOrigins
from huggingchat_agent.state.remembered_app import RememberedApp, read_app, write_app

if TYPE_CHECKING:
    from huggingchat_agent.settings import Settings
    from huggingchat_agent.site.signin.allowed_origins import ConfirmOrigin
    from huggingchat_agent.state.storage import SavedSession


class LoginOrigins:
    """The app's own origin is always known. Others are pinned to the profile once the app has accepted a
    sign-in there, and forgotten when the profile signs in to another app.
    """

    def __init__(self, settings: Settings, saved: SavedSession) -> None:
        self._settings, self._saved = settings, saved
        self._pinned: set[str] = set()

    def make_allowed(self, confirm: ConfirmOrigin | None = None, *, again: bool = False) -> AllowedOrigins:
        """Where one sign-in may type. Raises StorageError.

        `again`: the agent signs in by itself. Then it types only where the profile has signed in before.
        """
        known = {self._settings.origin, *self.list_pinned()}
        if again:
            return AllowedOrigins(known)
        return AllowedOrigins(known.union(self._settings.login_origins), confirm)

    def list_pinned(self) -> list[str]:
        """The pinned origins, sorted. Raises StorageError."""
        app = self._read()
        return sorted(self._pinned.union(app.login_origins if app else ()))

    def pin(self, allowed: AllowedOrigins) -> None:
        """The app has accepted a sign-in at these origins. `remember` saves them."""
        self._pinned |= allowed.used - {self._settings.origin}

    def remember(self, *, again: bool) -> None:
        """Save the app's address and its sign-in origins, after the app has accepted a sign-in.

        `again`: the session was there already, so the app that the profile remembers stays.
        Raises StorageError.
        """
        if not self._saved.on_disk or (again and read_app(self._saved.folder) is not None):
            return
        app = RememberedApp(base_url=self._settings.base_url, login_origins=tuple(self.list_pinned()))
        if app != read_app(self._saved.folder):
            write_app(self._saved.folder, app)

    def _read(self) -> RememberedApp | None:
        """What the profile remembers, if it is of this app."""
        app = read_app(self._saved.folder) if self._saved.on_disk else None
        return app if app is not None and have_same_origin(app.base_url, self._settings.base_url) else None
