"""The controls that gestures need, and how each build of the app names them: one table.

Nothing asks for a version. A gesture takes the first name that the page has. To add one is to add a row.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec

from huggingchat_agent.browser.protocols import Control

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggingchat_agent.browser.protocols import Page


class Look(msgspec.Struct, frozen=True):
    """One name of a control, and which builds of the app have it, "" for all that the agent knows."""

    name: str
    builds: str = ""


class Part(msgspec.Struct, frozen=True):
    """A control: what it is for, its role, and its names, the newest first.

    `where` is "page", or "message" for a control of one message.
    """

    need: str
    role: str
    looks: tuple[Look, ...]
    where: str = "page"

    def controls(self, within: str = "") -> list[Control]:
        """It under each of its names, within the element of a CSS selector."""
        return [Control(self.role, look.name, within=within) for look in self.looks]

    def __str__(self) -> str:
        return f"{self.role} {self.looks[0].name!r}"


COMPOSER = Part("the field for a message", "textbox", (Look("Ask anything"),))
SEND = Part("the button that sends it", "button", (Look("Send message"),))
STOP = Part("the button that stops an answer", "button", (Look("Stop generating"),))
EDIT = Part(
    "the button that edits a message",
    "button",
    (Look("Edit", "from 2025-09-24"), Look("Branch", "before 2025-09-24")),
    "message",
)
SEND_EDITED = Part(
    "the button that sends the edited message",
    "button",
    (Look("Send", "from 2025-09-24"), Look("Submit", "before 2025-09-24")),
    "message",
)
CANCEL = Part("the button that leaves the editor", "button", (Look("Cancel"),), "message")
RETRY = Part("the button that asks for another answer", "button", (Look("Retry"),), "message")

# Buttons that close a dialog or a banner in front of the page. None of them agrees to anything. The last one
# has no name: an icon.
CLOSE = Part(
    "a button that closes what stands in front",
    "button",
    (
        Look("Start chatting", "the welcome, from 2025-09-24"),
        Look("Explore the app", "the disclaimer, before 2025-09-24"),
        Look("Maybe later", "the offer of a subscription"),
        *map(Look, ("Close", "Dismiss", "Got it", "Not now", "No thanks", "Skip", "Later", "OK", "Cancel")),
        *map(Look, ("×", "✕", "")),
    ),
)
FAMILIAR = frozenset(look.name for look in CLOSE.looks if look.builds)

PARTS = (COMPOSER, SEND, STOP, EDIT, SEND_EDITED, CANCEL, RETRY, CLOSE)


def alternate(part: Part, within: str) -> Iterator[Control]:
    """Its controls, again and again, for a gesture that tries until one works."""
    return itertools.cycle(part.controls(within))


async def find_present(page: Page, part: Part, within: str = "") -> Control:
    """The control under the first name that the page has now; under its newest one if it has none."""
    controls = part.controls(within)
    for each in controls[1:]:
        if await page.find(each, timeout=0):
            return each
    return controls[0]
