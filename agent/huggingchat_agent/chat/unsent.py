"""The errors for a send gesture that no turn followed."""

from __future__ import annotations

from typing import ClassVar

from huggingchat_agent.errors import BrowserError, PageChanged
from huggingchat_agent.site.gestures.parts import SEND


class NothingSent(BrowserError):
    """The send gesture was made, but the page sent nothing. So another way to send is safe."""

    part: ClassVar[str] = f"what the {SEND} does"
    change: ClassVar[str] = "changed"

    def __init__(self) -> None:
        super().__init__(
            "The message was typed into the page, but the app sent no request, so nothing was sent.",
            hint='Try again, or use via="page".',
            shell_hint="Try again, or use --via page.",
        )


class NotLoaded(PageChanged):
    """The page, or a part that the agent needs, did not load."""

    def __init__(self, why: Exception) -> None:
        super().__init__(f"The page of the conversation did not load: {why}")


class SentElsewhere(PageChanged):
    """The page sent the message by a route that the agent does not know. It must not be sent again."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"The page sent the message by POST {path}. The agent does not know that route, and cannot "
            "follow the answer. Read the conversation before you send the message again.",
            part="the route POST /conversation/{conversation_id}",
        )
