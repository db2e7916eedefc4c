"""Fixtures for the tests of all packages."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from fixtures.site import StandIn
from tests import engines
from tests.persons import borrow, running_browser
from tests.raw import Raw
from tests.screen import find_screen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from huggingchat_agent import HuggingChat

# The tapes that two test packages share: to record them takes a browser.
pytest_plugins = ["tests.recorded"]

# Of a run in the background of a script, a shell has Ctrl-C ignored, and so would be all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """How many examples hypothesis tries. None has a deadline, for a machine can be busy."""
    examples = 1000 if config.getoption("--soak") else 40
    settings.register_profile(
        "tests", max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("tests")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What does not name an engine gets that of its file."""
    os.environ.pop(engines.VARIABLE, None)
    if engine := engines.choose_engine(item):
        os.environ[engines.VARIABLE] = engine


@pytest.fixture
def open_site() -> Iterator[Callable[..., StandIn]]:
    """Open a stand-in site: `open_site(base_path="", login=False, ...)`, see `StandIn`; closed at the end."""
    with ExitStack() as opened:

        def open_one(base_path: str = "/chat", **options: Any) -> StandIn:
            return opened.enter_context(StandIn(base_path, **options))

        yield open_one


@pytest.fixture(scope="session")
def borrowed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of programs that share one browser, for tests not about its start or end."""
    with running_browser(tmp_path_factory.mktemp("browser")) as address:
        yield borrow(address)


@pytest.fixture
def site(open_site: Callable[..., StandIn]) -> StandIn:
    """A stand-in site under /chat, with login, nobody signed in yet."""
    return open_site()


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A screen without a monitor; its name."""
    with find_screen() as name:
        yield name


@pytest.fixture
def on_screen(display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is started now shows its windows on that screen."""
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


@pytest_asyncio.fixture(loop_scope="module")
async def raw(chat: HuggingChat) -> AsyncIterator[Raw]:
    """A plain HTTP client with the chat's cookies."""
    state = await chat._session.read_state()
    async with Raw(chat.settings.base_url, {each["name"]: each["value"] for each in state["cookies"]}) as raw:
        yield raw


@pytest.fixture(params=["ui", "page"])
def via(request: pytest.FixtureRequest, site: StandIn) -> Iterator[str]:
    """Each way to send. By ui, the site refuses what no trusted input event came before."""
    site.control.switch(require_trusted_input=request.param == "ui")
    yield request.param
    site.control.switch(require_trusted_input=False)
