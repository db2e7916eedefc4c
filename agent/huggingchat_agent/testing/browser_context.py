"""pytest-playwright's options for opening pages, as settings of the agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from huggingchat_agent.browser import abilities
from huggingchat_agent.context_args import TAKEN
from huggingchat_agent.settings import make_settings
from huggingchat_agent.testing import plugin_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

FIXTURE = "browser_context_args"  # the fixture, and the marker

# Handled elsewhere, or without effect on our pages.
_NEEDLESS = {"base_url", "default_browser_type", "accept_downloads", "strict_selectors"}


def read_context_args(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The fixture's value, if a test suite overrides it or a device is chosen.

    Asking for the fixture starts Playwright, whose sync API then stays in the thread. So nothing asks for it
    without need.
    """
    config = request.config
    if not plugin_options.has_playwright(config):
        return {}
    found = request.session._fixturemanager.getfixturedefs(FIXTURE, request.node) or ()
    if len(found) > 1 or config.getoption("device", None):
        return dict(request.getfixturevalue(FIXTURE))
    return {}


def merge_settings(item: pytest.Item, given: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the page options: the marker wins over the settings, and those over the fixture.

    Notes the options that our pages do not follow. A warning comes when a browser starts.
    """
    marker = item.get_closest_marker(FIXTURE) if plugin_options.has_playwright(item.config) else None
    marked = dict(marker.kwargs) if marker is not None else {}
    theirs = {**asked, **marked}
    if not theirs:
        return dict(given)
    own: Mapping[str, Any] = given.get("context_args") or {}
    rest = {name: value for name, value in given.items() if name != "context_args"}
    if theirs.get("base_url"):
        rest = {"base_url": theirs["base_url"], **rest}
    chosen = make_settings(**rest)
    unheeded = [f"{name}= of {FIXTURE}" for name in theirs if name not in {*TAKEN, *_NEEDLESS}]
    taken = [name for name in theirs if name in TAKEN]
    if taken and not abilities.can(chosen.engine)["context_args"]:
        unheeded, taken = [f"{FIXTURE} (engine {chosen.engine})"], []
    elif taken and chosen.connect and not chosen.isolated:
        unheeded, taken = [f"{FIXTURE} (in a browser's own context)"], []
    item.stash[plugin_options.CONTEXT_UNHEEDED] = unheeded
    args = {name: asked[name] for name in taken if name in asked} | dict(own)
    return {**rest, "context_args": args | {name: marked[name] for name in taken if name in marked}}
