"""Attaches the agent to a test's pages, and detaches it at the end."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import huggingchat_agent
from huggingchat_agent import sync
from huggingchat_agent.errors import AgentError
from huggingchat_agent.sync.handlers import get_inner
from huggingchat_agent.testing import observations, plugin_options
from huggingchat_agent.testing.loops import run_until_complete

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Iterator, Mapping
    from pathlib import Path

    import pytest


@contextlib.contextmanager
def provide_attach(
    request: pytest.FixtureRequest,
    settings: Mapping[str, Any],
    home: Path,
    loop: asyncio.AbstractEventLoop | None,
) -> Iterator[Callable[..., Any]]:
    """A function that attaches to a page of the sync or async API. `loop` is that of an async test."""
    item: pytest.Function = request.node
    came_off: list[Callable[[], None]] = []

    def merge(given: dict[str, Any]) -> dict[str, Any]:
        return {**plugin_options.read_context_settings(request), **settings, "home": home, **given}

    def attach(page: Any, **given: Any) -> sync.Attached | Coroutine[Any, Any, huggingchat_agent.Attached]:
        if type(page).__module__.startswith("playwright.sync_api"):
            return attach_sync(page, given)
        return attach_async(page, given)

    def attach_sync(page: Any, given: dict[str, Any]) -> sync.Attached:
        attached = sync.attach(page, **merge(given))
        source = observations.get_observations(item).observe(get_inner(attached), attached.settings)
        source.picture = attached.screenshot
        came_off.append(attached.close)
        return attached

    async def attach_async(page: Any, given: dict[str, Any]) -> huggingchat_agent.Attached:
        attached = await huggingchat_agent.attach(page, **merge(given))
        source = observations.get_observations(item).observe(attached, attached.settings)
        if loop is not None:
            source.picture = lambda path: run_until_complete(loop, attached.screenshot(path))
            came_off.append(lambda: run_until_complete(loop, attached.close()))
        return attached

    try:
        yield attach
    finally:
        for close in came_off:
            with contextlib.suppress(AgentError):  # Playwright may be stopped already
                close()
