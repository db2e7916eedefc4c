"""The ways to send a message that may be tried, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggingchat_agent.chat import uploads
from huggingchat_agent.errors import UsageError
from huggingchat_agent.log_records import log

if TYPE_CHECKING:
    from huggingchat_agent.chat.draft import Draft
    from huggingchat_agent.choices import SentVia, Via

_TOOLS_MENU = "the page's tools menu counts for all turns, while a request chooses for its own turn only"
_PASTED_ONLY = "its page gives a model pasted text only, while a request can call a file that"


def choose_ways(draft: Draft, wanted: Via, *, with_tools: bool) -> tuple[SentVia, ...]:
    """The ways to try. The next one is tried only if the one before could not send at all.

    `with_tools`: the draft chooses tools for its turn. Raises UsageError for "ui" where a page cannot send
    the draft.
    """
    via: Via = "page" if draft.target.page_only else wanted
    if with_tools:
        via = _leave_ui(via, "Tools for one turn", _TOOLS_MENU)
    if any(each.mime == uploads.PASTED for each in draft.uploads):
        via = _leave_ui(via, "Text files on this app", _PASTED_ONLY)
    return ("ui", "page") if via == "auto" else (via,)


def _leave_ui(via: Via, what: str, why: str) -> Via:
    """How to send what a page cannot: in the request itself."""
    if via == "ui":
        raise UsageError(f'{what} need via="page": {why}. Or leave them out.')
    if via == "auto":
        log.info("Sent by page: %s.", why)
    return "page"
