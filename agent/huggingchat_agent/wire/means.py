"""Needs that take more than a request, and the means for each: a table beside the one of routes."""

from __future__ import annotations

from enum import Enum


class Means(Enum):
    """One way to serve a need, in the module `where`. The means of a need are in the order in which they are
    tried.
    """

    def __init__(self, need: str, way: str, builds: str, where: str) -> None:
        self.need, self.way, self.builds, self.where = need, way, builds, where

    WRITTEN_BY_ID = (
        "Which message a run wrote",
        "the one that names its generation id",
        "from 2026-06-11",
        "turn/stored",
    )
    WRITTEN_BY_PLACE = (
        "Which message a run wrote",
        "the newest one in the place of the request",
        "all",
        "turn/stored",
    )
    END_BY_FINISHED = ("The end of a turn", "the line `finished`", "from 2026-02-09", "turn/stored")
    END_BY_STREAM = (
        "The end of a turn",
        "`finalAnswer` or an error, then the end of the stream",
        "all",
        "turn/stored",
    )
    STOPPED_BY_LINE = (
        "The end of a stopped turn",
        "the line `finalAnswer`",
        "from 2025-10-12",
        "turn/stored",
    )
    STOPPED_BY_STORE = (
        "The end of a stopped turn",
        "the end of the stream, and what is stored",
        "all",
        "turn/stored",
    )
    STOP_BY_REQUEST = ("A stop", "the request for it", "all", "turn/stopping")
    STOP_BY_DROP = (
        "A stop",
        "the stream is dropped, and the run ends with it",
        "before 2025-09-30",
        "turn/turn",
    )
    REST_BY_STREAM = (
        "The rest of a broken answer",
        "the stream of the run",
        "from 2026-07-24",
        "turn/recovery",
    )
    REST_BY_READS = ("The rest of a broken answer", "reads of the conversation", "all", "turn/recovery")
    TOOLS_OF_SERVERS = (
        "The tools of a message",
        "names and addresses of servers",
        "from 2025-11-12",
        "chat/tool_choice",
    )
    TOOLS_OF_APP = (
        "The tools of a message",
        "ids of tools, or a search before the answer",
        "before 2025-09-24",
        "chat/tool_choice",
    )
    TEXT_AS_FILE = ("A text file", "a file of its own type", "from 2025-09-24", "chat/sending")
    TEXT_AS_PASTED = ("A text file", "pasted text, by page only", "before 2025-09-24", "chat/sending")
    FIRST_ON_PAGE = ("A first message by ui", "on the page of the conversation", "all", "chat/senders")
    FIRST_AT_HOME = ("A first message by ui", "on the home page", "before 2025-09-24", "chat/senders")
    BRANCH_BY_ADDRESS = (
        "The branch that a page shows",
        "the address of the page",
        "from 2026-06-11",
        "chat/senders",
    )
    BRANCH_BY_BUTTONS = (
        "The branch that a page shows",
        "the buttons beside the message",
        "all",
        "chat/senders",
    )
    SIGN_IN_BY_ADDRESS = (
        "The begin of a sign-in",
        "the address /login",
        "from 2025-06-05",
        "site/signin/sign_in",
    )
    SIGN_IN_BY_BUTTON = (
        "The begin of a sign-in",
        "the button of a page",
        "before 2025-06-05",
        "site/signin/sign_in",
    )

    @property
    def alternatives(self) -> list[Means]:
        """All means for the same need, the preferred one first."""
        return [each for each in Means if each.need == self.need]
