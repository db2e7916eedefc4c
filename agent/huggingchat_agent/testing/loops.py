"""Finds the event loop of an async test of any plugin, and sets a sync Playwright aside for it."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import types
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator

T = TypeVar("T")

SCOPES = ("function", "class", "module", "package", "session")


def make_fixtures() -> object:
    """A plugin for pytest-asyncio: for each loop scope, a fixture that returns the loop."""
    import pytest_asyncio

    plugin = types.ModuleType("huggingchat_loops")
    for scope in SCOPES:

        async def running() -> AsyncIterator[asyncio.AbstractEventLoop]:
            yield asyncio.get_running_loop()

        running.__module__ = "huggingchat_agent.pytest_plugin"  # where `--fixtures` lists it
        made = pytest_asyncio.fixture(running, loop_scope=cast("Any", scope), name=_name_fixture(scope))
        setattr(plugin, _name_fixture(scope), made)
    return plugin


def get_loop(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoop:
    """The loop of an async test."""
    item = request.node
    if "anyio_backend" in request.fixturenames:
        backend = request.getfixturevalue("anyio_backend_name")
        if backend != "asyncio":
            pytest.fail(
                f"huggingchat_agent needs asyncio, but this test runs on {backend}. Make the fixture "
                '`anyio_backend` return "asyncio".',
                pytrace=False,
            )
        return cast("asyncio.AbstractEventLoop", request.getfixturevalue("_huggingchat_anyio_loop"))
    marker = item.get_closest_marker("asyncio")
    if marker is None or not request.config.pluginmanager.hasplugin("asyncio"):
        pytest.fail(
            "No plugin runs this async test. Mark it with @pytest.mark.asyncio (pytest-asyncio) or "
            "@pytest.mark.anyio.",
            pytrace=False,
        )
    scope = marker.kwargs.get("loop_scope") or request.config.getini("asyncio_default_test_loop_scope")
    return cast("asyncio.AbstractEventLoop", request.getfixturevalue(_name_fixture(scope or "function")))


def run_until_complete(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a loop that is not running now. If interrupted, cancel and await it."""
    task = loop.create_task(coroutine)
    try:
        return loop.run_until_complete(task)
    except BaseException:
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                loop.run_until_complete(task)
        raise


def check_item(item: pytest.Function) -> None:
    """Fail a test whose fixtures cannot work, with a sentence."""
    names = set(item.fixturenames)
    if not inspect.iscoroutinefunction(item.function):
        if "huggingchat" in names:
            pytest.fail(
                "`huggingchat` is for async tests, but this test is sync. Use `huggingchat_sync`, or "
                "`async def`.",
                pytrace=False,
            )
    elif "playwright" in names and item.config.pluginmanager.hasplugin("playwright"):
        pytest.fail(
            "An async test cannot use the pages of pytest-playwright, which are sync. Write it without async "
            "(`huggingchat_sync`), or install pytest-playwright-asyncio instead of pytest-playwright.",
            pytrace=False,
        )


@contextlib.contextmanager
def set_sync_playwright_aside() -> Iterator[None]:
    """Let other loops run in this block, beside a sync Playwright of this thread.

    Between its calls Playwright leaves its loop marked as running, though it is not. Do not
    use its objects until the block ends and the mark is back.
    """
    loop = asyncio._get_running_loop()
    if loop is None:
        yield
        return
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)


def _name_fixture(scope: str) -> str:
    return f"_huggingchat_{scope}_loop"
