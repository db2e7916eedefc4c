"""docs/generations.md, from the table of routes: `python -m tests.docs.generations > docs/generations.md`."""

from __future__ import annotations

import inspect
import itertools
import re
import sys

from huggingchat_agent.wire.routes import ROUTES

HEAD = """\
# Builds of the app

Self-hosted chat-ui runs in many versions. The agent asks no app for its version. For each need it has an
ordered list of requests, in `agent/huggingchat_agent/wire/routes.py`. The first one that the app answers is
used for the rest of the session; `huggingchat status -v` shows which. An app that has the first one gets no
further request.

Apps before 2026-06-11 store no generation ids, so they do not say which message a run wrote. The agent finds
it by its place: by the message that the request answers or replaces, by what was said, and among those by
the newest.

The agent makes the requests that have a number, in that order. It only recognizes the others when a page
makes them.

| need | request | builds |
|---|---|---|
"""


def generations() -> str:
    """The page as text."""
    rows = []
    for purpose in dict.fromkeys(route.purpose for route in ROUTES):
        need = re.split(r"[.:]", inspect.cleandoc(purpose.__doc__ or ""))[0]
        numbers = itertools.count(1)
        for route in ROUTES:
            if route.purpose is purpose:
                number = f"{next(numbers)}. " if route.body else ""
                request = f"{number}`{route.method} {route.path}`"
                rows.append(f"| {need} | {request} | {route.builds or 'all'} |")
                need = ""
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(generations())
