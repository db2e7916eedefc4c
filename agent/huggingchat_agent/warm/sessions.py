"""Opens the warm session of a profile for a call, and starts one where none runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from huggingchat_agent.errors import BrowserClosed, UsageError
from huggingchat_agent.settings import make_settings
from huggingchat_agent.warm import starting
from huggingchat_agent.warm.chat import WarmChat
from huggingchat_agent.warm.matching import describe, find_obstacles

if TYPE_CHECKING:
    from collections.abc import Mapping


class Sessions:
    """Each call has a connection of its own, so calls run side by side in one browser."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        """`given` are settings. Raises SettingsError, and UsageError where no warm session is for them."""
        self._given = {name: value for name, value in given.items() if value is not None}
        self.settings = make_settings(**self._given)
        if obstacles := find_obstacles(self.settings):
            raise UsageError(f"This needs a warm session, which cannot be used with {describe(obstacles)}.")

    def open(self) -> WarmChat:
        """A connection. Close it by its `with` block. Raises LoginError where nobody is signed in."""
        found = starting.find(self.settings)
        if found.old:
            starting.end(self.settings)
        elif found.why:
            raise UsageError(f"The warm session cannot be used: {found.why}.")
        if found.client is None:
            starting.start(self.settings, self._given)
            found = starting.find(self.settings)
        if found.client is None:
            raise BrowserClosed("The warm session ended as soon as it had started.")
        return WarmChat(found.client, self.settings)
