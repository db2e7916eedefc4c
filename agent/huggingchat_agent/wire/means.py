"""Needs that take more than one request, and the ways to meet each: a table that complements `routes`."""

from __future__ import annotations

from enum import Enum


class Means(Enum):
    """One way to serve a need, in the module `where`. The means of a need are in the order in which they are
    tried.
    """

    def __init__(self, need: str, way: str, builds: str, where: str) -> None:
        self.need, self.way, self.builds, self.where = need, way, builds, where

    WRITTEN_BY_ID = ("Which message a run wrote", "by its generation id", "from 2026-06-11", "turn/stored")
    WRITTEN_BY_PLACE = (
        "Which message a run wrote",
        "by its place: the newest answer to the request",
        "all",
        "turn/stored",
    )
    END_BY_FINISHED = ("The end of a turn", "by the line `finished`", "from 2026-02-09", "turn/stored")
    END_BY_STREAM = (
        "The end of a turn",
        "by `finalAnswer` or an error, then the end of the stream",
        "all",
        "turn/stored",
    )
    STOPPED_BY_LINE = (
        "The end of a stopped turn",
        "by the line `finalAnswer`",
        "from 2025-10-12",
        "turn/stored",
    )
    STOPPED_BY_STORE = (
        "The end of a stopped turn",
        "by the end of the stream and the stored message",
        "all",
        "turn/stored",
    )
    STOP_BY_REQUEST = ("A stop", "a request", "all", "turn/stopping")
    STOP_BY_DROP = ("A stop", "dropping the stream, which ends the run", "before 2025-09-30", "turn/turn")
    REST_BY_STREAM = (
        "The rest of a broken answer",
        "from the stream of the run",
        "from 2026-07-24",
        "turn/recovery",
    )
    REST_BY_READS = ("The rest of a broken answer", "from reads of the conversation", "all", "turn/recovery")
    TOOLS_OF_SERVERS = (
        "The tools of a message",
        "as names and addresses of servers",
        "from 2025-11-12",
        "chat/tool_choice",
    )
    TOOLS_OF_APP = (
        "The tools of a message",
        "as ids of tools, or a search before the answer",
        "before 2025-09-24",
        "chat/tool_choice",
    )
    TEXT_AS_FILE = ("A text file", "as a file of its own type", "from 2025-09-24", "chat/sending")
    TEXT_AS_PASTED = ("A text file", "as pasted text, by page only", "before 2025-09-24", "chat/sending")
    FIRST_ON_PAGE = ("A first message by ui", "on the page of the conversation", "all", "chat/senders")
    FIRST_AT_HOME = ("A first message by ui", "on the home page", "before 2025-09-24", "chat/senders")
    BRANCH_BY_ADDRESS = (
        "The branch that a page shows",
        "by the address of the page",
        "from 2026-06-11",
        "chat/senders",
    )
    BRANCH_BY_BUTTONS = (
        "The branch that a page shows",
        "by the buttons beside the message",
        "all",
        "chat/senders",
    )
    SIGN_IN_BY_ADDRESS = (
        "The beginning of a sign-in",
        "at the address /login",
        "from 2025-06-05",
        "site/signin/sign_in",
    )
    SIGN_IN_BY_BUTTON = (
        "The beginning of a sign-in",
        "by the button of a page",
        "before 2025-06-05",
        "site/signin/sign_in",
    )

    @property
    def alternatives(self) -> list[Means]:
        """All means for the same need, the preferred one first."""
        return [each for each in Means if each.need == self.need]
