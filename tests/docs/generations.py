"""docs/generations.md, from the table of routes: `python -m tests.docs.generations > docs/generations.md`."""

from __future__ import annotations

import inspect
import itertools
import re
import sys
from typing import TYPE_CHECKING

from huggingchat_agent.site.gestures.parts import PARTS
from huggingchat_agent.wire.means import Means
from huggingchat_agent.wire.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """\
# Builds of the app

Self-hosted chat-ui runs in many versions. The agent asks no app for its version. For each need it has an
ordered list of requests, in `agent/huggingchat_agent/wire/routes.py`. The first one that the app answers is
used for the rest of the session; `huggingchat status -v` and `huggingchat doctor` show which. An app that has
the first one gets no further request.

Apps before 2026-06-11 store no generation ids, so they do not say which message a run wrote. The agent finds
it by its place: it takes the newest message that answers or replaces the same message with the same words.

The agent makes the requests that have a number, in that order. It only recognizes the others when a page
makes them.

| need | request | builds |
|---|---|---|
"""

MORE = """
## More than a request

Some needs take more than a request. The agent tries their ways in this order. The list is in
`agent/huggingchat_agent/wire/means.py`, and each way in the module beside it. `huggingchat doctor` and
`status -v` show the ways that served a need.

| need | way | builds | module |
|---|---|---|---|
"""

CONTROLS = """
## Controls of the pages

A gesture finds its control by role and name. It takes the first of these that the page has; the table is in
`agent/huggingchat_agent/site/gestures/parts.py`. What covers the page is closed first, by one of
the buttons at the end, or by Escape. `huggingchat doctor` shows which of them a page has.

| need | control | builds |
|---|---|---|
"""


def generations() -> str:
    """The page as text."""
    rows = []
    for purpose in dict.fromkeys(route.purpose for route in ROUTES):
        need = re.split(r"[.:](?!\w)| \(", inspect.cleandoc(purpose.__doc__ or ""))[0]
        numbers = itertools.count(1)
        for route in ROUTES:
            if route.purpose is purpose:
                number = f"{next(numbers)}. " if route.body else ""
                request = f"{number}`{route.method} {route.path}`"
                rows.append(f"| {need} | {request} | {route.builds or 'all'} |")
                need = ""
    return (
        HEAD
        + "\n".join(rows)
        + "\n"
        + MORE
        + "\n".join(_list_means())
        + "\n"
        + CONTROLS
        + "\n".join(_list_controls())
        + "\n"
    )


def _list_means() -> Iterator[str]:
    for need, ways in itertools.groupby(Means, lambda each: each.need):
        for number, each in enumerate(ways, 1):
            shown = need if number == 1 else ""
            yield f"| {shown} | {number}. {each.way} | {each.builds} | `{each.where}.py` |"


def _list_controls() -> Iterator[str]:
    for part in PARTS:
        need = part.need
        for number, look in enumerate(part.looks, 1):
            name = f"`{look.name}`" if look.name else "without a name"
            yield f"| {need} | {number}. {part.role} {name} | {look.builds or 'all'} |"
            need = ""


if __name__ == "__main__":
    sys.stdout.write(generations())
