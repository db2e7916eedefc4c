"""A chat that a tape answers, with the recorded timing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from huggingchat_agent.huggingchat import HuggingChat
from huggingchat_agent.playback.paced import PacedCalls
from huggingchat_agent.playback.player import check_speed

if TYPE_CHECKING:
    from huggingchat_agent.playback.faults import Fault
    from huggingchat_agent.settings import Settings


class RecordedChat(HuggingChat):
    """A HuggingChat that a tape answers at `speed`. Each message uses up the first of `upcoming`."""

    def __init__(self, *, speed: float = 1.0, upcoming: list[Fault] | None = None, **given: Any) -> None:
        """Raises SettingsError, UsageError, and TapeError for a tape that cannot be read."""
        self.speed = check_speed(speed)
        self.upcoming: list[Fault] = [] if upcoming is None else upcoming
        super().__init__(**given)

    def _make_parts(self, settings: Settings) -> dict[str, Any]:
        return {"tape": lambda sink: PacedCalls(settings, sink, speed=self.speed, faults=self.upcoming).open}
