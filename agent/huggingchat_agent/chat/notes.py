"""What the sender remembers about a conversation: its last message, and a stop that the app may hold."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from huggingchat_agent.wire import purposes

if TYPE_CHECKING:
    from huggingchat_agent.exchange import Started
    from huggingchat_agent.turn.turn import Turn

# The app keeps a stop without a run for about 5 s, and ends any run that starts meanwhile.
STOP_LINGERS = 5.5  # seconds

# How long a read of the last message counts as fresh. Another client could write meanwhile, and the app
# cannot send on the condition that nobody did. A read costs 10 ms.
FRESH = 1.0  # seconds


class Leaf(NamedTuple):
    """The last message of a conversation. The page does not show the root, a system message."""

    id: str
    is_root: bool
    at: float


class Notes:
    """Kept up to date by the traffic (`follow`) and by the turns (`end_turn`). Times are in seconds."""

    def __init__(self, *, fresh: float = FRESH, stop_lingers: float = STOP_LINGERS) -> None:
        self._fresh, self._stop_lingers = fresh, stop_lingers
        self._leaves: dict[str, Leaf] = {}
        self._quiet: dict[str, float] = {}  # until when a stop may linger, by conversation
        self.unknown_post = ("", "")  # page and path of the last one whose purpose is unknown

    def know_leaf(self, conversation_id: str, leaf: str, *, is_root: bool = False) -> None:
        """Note which message the app has just named as the last of a conversation."""
        now = time.monotonic()
        # Most are never asked for again, and a session may see many conversations.
        self._leaves = {each: known for each, known in self._leaves.items() if now - known.at < self._fresh}
        self._leaves[conversation_id] = Leaf(leaf, is_root, now)

    def forget(self, conversation_id: str) -> None:
        """Forget a conversation that is gone."""
        self._leaves.pop(conversation_id, None)

    def get_fresh_leaf(self, conversation_id: str) -> str | None:
        """As `take_fresh_leaf`, but only the id, and it stays noted."""
        leaf = self._leaves.get(conversation_id)
        return leaf.id if leaf and time.monotonic() - leaf.at < self._fresh else None

    def take_fresh_leaf(self, conversation_id: str) -> Leaf | None:
        """The last message of a conversation, if the app named it a moment ago and no turn began since."""
        leaf = self._leaves.pop(conversation_id, None)
        return leaf if leaf and time.monotonic() - leaf.at < self._fresh else None

    def measure_quiet(self, conversation_id: str) -> float:
        """Seconds during which an old stop could still end a new run."""
        return max(self._quiet.get(conversation_id, 0.0) - time.monotonic(), 0.0)

    def follow(self, started: Started, purpose: purposes.Purpose) -> None:
        """Note a message or a stop, whichever page sends it. A reader of `Traffic`."""
        if isinstance(purpose, purposes.SendMessage):
            self._leaves.pop(purpose.conversation_id, None)
        elif isinstance(purpose, purposes.Other) and started.method == "POST":
            self.unknown_post = (started.page, urlsplit(started.url).path)
        elif isinstance(purpose, purposes.StopGenerating):
            now = time.monotonic()
            self._quiet = {each: end for each, end in self._quiet.items() if end > now}
            self._quiet[purpose.conversation_id] = now + self._stop_lingers

    def end_turn(self, turn: Turn) -> None:
        """Note the message that a turn wrote, and whether it used up a stop."""
        if turn.leaf:
            self.know_leaf(turn.conversation_id, turn.leaf)
        if turn.answer is not None and turn.answer.interrupted:
            self._quiet.pop(turn.conversation_id, None)
