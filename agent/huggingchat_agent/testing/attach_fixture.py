"""Attaching to the pages of a test, and coming off them at its end."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import huggingchat_agent
from huggingchat_agent import sync
from huggingchat_agent.errors import AgentError
from huggingchat_agent.testing import observations, plugin_options
from huggingchat_agent.testing.loops import complete

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Iterator, Mapping
    from pathlib import Path

    import pytest


@contextlib.contextmanager
def attacher(
    request: pytest.FixtureRequest,
    settings: Mapping[str, Any],
    home: Path,
    loop: asyncio.AbstractEventLoop | None,
) -> Iterator[Callable[..., Any]]:
    """What attaches to a page, sync or async as the page is. `loop` is that of an async test."""
    item: pytest.Function = request.node
    came_off: list[Callable[[], None]] = []

    def wanted(given: dict[str, Any]) -> dict[str, Any]:
        return {**plugin_options.of_context(request), **settings, "home": home, **given}

    def attach(page: Any, **given: Any) -> sync.Attached | Coroutine[Any, Any, huggingchat_agent.Attached]:
        if type(page).__module__.startswith("playwright.sync_api"):
            return attach_sync(page, given)
        return attach_async(page, given)

    def attach_sync(page: Any, given: dict[str, Any]) -> sync.Attached:
        attached = sync.attach(page, **wanted(given))
        source = observations.of(item).listen(attached.inner, attached.settings)
        source.picture = attached.screenshot
        came_off.append(attached.close)
        return attached

    async def attach_async(page: Any, given: dict[str, Any]) -> huggingchat_agent.Attached:
        attached = await huggingchat_agent.attach(page, **wanted(given))
        source = observations.of(item).listen(attached, attached.settings)
        if loop is not None:
            source.picture = lambda path: complete(loop, attached.screenshot(path))
            came_off.append(lambda: complete(loop, attached.close()))
        return attached

    try:
        yield attach
    finally:
        for close in came_off:
            with contextlib.suppress(AgentError):  # Playwright may be stopped already
                close()
