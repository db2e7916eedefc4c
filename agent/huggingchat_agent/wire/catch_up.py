"""Drops what a turn has already seen from updates that start again at the run's first one.

The app cuts the same text into tokens in different ways, and numbers them differently, in a stream, in its
reattached stream and in the store. So text is matched by its length, in UTF-16 units as the app counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from huggingchat_agent.wire import think, updates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from huggingchat_agent.wire.conversations import StoredMessage


class CatchUp:
    """Drops what was seen: `content` is the text of all tokens, `others` are the updates of other kinds."""

    def __init__(self, content: str, others: Iterable[updates.Update]) -> None:
        self._known = think.count_units(content)  # units of known text that are still to come
        self._others = [_identify(each) for each in others]

    def feed(self, update: updates.Update) -> updates.Update | None:
        """The new part of the next update, None if there is none."""
        if not isinstance(update, updates.Token):
            identity = _identify(update)
            if identity not in self._others:
                return update
            self._others.remove(identity)
            return None
        if not self._known:
            return update
        units = think.count_units(update.token)
        known = min(units, self._known)
        self._known -= known
        return updates.Token(_from_unit(update.token, known)) if known < units else None


def read_updates(message: StoredMessage, *, resumed: str = "") -> list[updates.Update]:
    """The updates of a stored message as a stream would have them.

    Stored tokens only count the text, which comes from the content here. `resumed` is the question that the
    run goes on from: what the run before it wrote is left out.
    """
    content, at = message.content.encode("utf-16-le", "surrogatepass"), 0
    found: list[updates.Update] = []
    for raw in message.updates:
        update = updates.parse(raw)
        if isinstance(update, updates.Token) and not update.token:
            end = at + 2 * (update.length or 0)
            update, at = updates.Token(content[at:end].decode("utf-16-le", "replace")), end
        elif resumed and isinstance(update, updates.ElicitationResolved) and update.elicitation_id == resumed:
            found = []
        found.append(update)
    return found


def _identify(update: updates.Update) -> Any:
    """A key that is the same for two reports of one update."""
    if isinstance(update, updates.ToolCall | updates.ToolResult | updates.ToolError):
        return type(update), update.uuid
    return update


def _from_unit(text: str, unit: int) -> str:
    return text.encode("utf-16-le", "surrogatepass")[2 * unit :].decode("utf-16-le", "replace")
