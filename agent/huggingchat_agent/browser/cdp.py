"""The connection to one tab that takes CDP commands: all that an engine must provide."""

from __future__ import annotations

from typing import Any, Protocol

from huggingchat_agent import redact
from huggingchat_agent.errors import BrowserClosed, BrowserError

# The answers of browsers and drivers when the tab is gone, not only its document.
_GONE = ("has been closed", "session closed", "session with given id not found", "target closed", "crashed")
# ... and when the document of the command is gone.
_LEFT = (
    "context was destroyed",
    "inspected target navigated",
    "cannot find context",
    "cannot find default execution context",
    "could not find object with given id",
    "could not find node with given id",
    "no node with given id",
    "no node found for given backend id",
    "promise was collected",
    "does not belong to the document",
    "not attached to an active page",
)


class Cdp(Protocol):
    """A CDP session with one tab."""

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a command and return its result. It has no timeout of its own: cancel it.

        Raises BrowserClosed when the tab is gone, Refused when the browser refuses. Neither has a cause or
        a context, because drivers' errors hold addresses and arguments.
        """


class Refused(BrowserError):
    """The browser answered a command with an error. `reason` is its message, redacted."""

    def __init__(self, method: str, reason: str) -> None:
        self.reason = redact.text(reason)
        super().__init__(f"The browser refused {method}: {self.reason}")

    @property
    def document_left(self) -> bool:
        """Whether the document was gone: after a navigation, or because a node was removed."""
        return any(each in self.reason.lower() for each in _LEFT)


def make_refusal(method: str, reason: str) -> BrowserError:
    """The error for an answer of the browser or the driver: BrowserClosed or Refused."""
    lower = reason.lower()
    if any(each in lower for each in _GONE) and not any(each in lower for each in _LEFT):
        return BrowserClosed("The browser, or the tab in use, was closed or crashed.")
    return Refused(method, reason)
