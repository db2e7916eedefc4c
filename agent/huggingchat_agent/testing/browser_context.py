"""How pytest-playwright was told to open pages, as settings of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from huggingchat_agent.browser import abilities
from huggingchat_agent.context_args import TAKEN
from huggingchat_agent.settings import settings
from huggingchat_agent.testing import plugin_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

THEIRS = "browser_context_args"  # the fixture, and the marker

# What is taken by another way, or makes no difference to our pages.
_SEEN_TO = {"base_url", "default_browser_type", "accept_downloads", "strict_selectors"}


def asked(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the fixture says, where it is somebody's own or a device was chosen.

    To ask for it starts Playwright, whose sync API then stays in the thread; so it is not asked for nothing.
    """
    config = request.config
    if not plugin_options.has_playwright(config):
        return {}
    found = request.session._fixturemanager.getfixturedefs(THEIRS, request.node) or ()
    if len(found) > 1 or config.getoption("device", None):
        return dict(request.getfixturevalue(THEIRS))
    return {}


def merged(item: pytest.Item, given: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The settings `given` with what was asked: the marker wins over the settings, those over the fixture.

    What pages of ours do not follow is noted, to be told as soon as a browser starts.
    """
    marker = item.get_closest_marker(THEIRS) if plugin_options.has_playwright(item.config) else None
    marked = dict(marker.kwargs) if marker is not None else {}
    theirs = {**asked, **marked}
    if not theirs:
        return dict(given)
    own: Mapping[str, Any] = given.get("context_args") or {}
    rest = {name: value for name, value in given.items() if name != "context_args"}
    if theirs.get("base_url"):
        rest = {"base_url": theirs["base_url"], **rest}
    chosen = settings(**rest)
    unheeded = [f"{name}= of {THEIRS}" for name in theirs if name not in {*TAKEN, *_SEEN_TO}]
    taken = [name for name in theirs if name in TAKEN]
    if taken and not abilities.can(chosen.engine)["context_args"]:
        unheeded, taken = [f"{THEIRS} (engine {chosen.engine})"], []
    elif taken and chosen.connect and not chosen.isolated:
        unheeded, taken = [f"{THEIRS} (in a browser's own context)"], []
    item.stash[plugin_options.OF_CONTEXT] = unheeded
    args = {name: asked[name] for name in taken if name in asked} | dict(own)
    return {**rest, "context_args": args | {name: marked[name] for name in taken if name in marked}}
