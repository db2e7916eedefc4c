"""The pytest plugin: fixtures that put a test on HuggingChat, or on a chat-ui of one's own.

    async def test_greeting(conversation):
        answer = await conversation.send("Say hello.")
        assert "hello" in answer.text.lower()

It is loaded in every run of pytest, so it imports nothing until a fixture of it is used. What it
offers is told by `pytest --fixtures` and in docs/testing.md.
"""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
    from pathlib import Path

    from huggingchat_agent import sync
    from huggingchat_agent.huggingchat import HuggingChat

MODES = ("replay", "once", "record", "live")

# Those of our fixtures that give an async test something to await.
_ASYNC = frozenset({"huggingchat", "conversation", "huggingchat_attach"})
_OURS = _ASYNC | {"huggingchat_sync"}


def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Whether anybody chose a `--screenshot`, which looks like "off" where nobody did."""
    early_config.option.huggingchat_pictures_chosen = any(
        each.partition("=")[0] == "--screenshot" for each in args
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("huggingchat", "HuggingChat")
    group.addoption(
        "--huggingchat-mode",
        choices=MODES,
        help="Where answers come from. replay: from the test's tape, never the network (the default); "
        "once: from the tape, or the app where there is no tape yet, and then it is recorded; "
        "record: from the app, and every tape is made anew; live: from the app, without tapes.",
    )
    group.addoption(
        "--huggingchat-keep",
        action="store_true",
        help="Leave the conversations of the tests on the server.",
    )
    parser.addini("huggingchat_mode", "The default of --huggingchat-mode.", default="replay")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "huggingchat(tape=..., mode=..., model=..., keep=..., faults=...): the tape of a test (a name or "
        "a path), where its answers come from (replay, once, record or live), the model of its "
        "`conversation`, whether that is kept on the server, and what goes wrong on the tape (see "
        "huggingchat_agent.playback.faults).",
    )
    if config.getini("huggingchat_mode") not in MODES:
        raise pytest.UsageError(
            f"huggingchat_mode is {config.getini('huggingchat_mode')!r}; it is one of: {', '.join(MODES)}."
        )
    if config.pluginmanager.hasplugin("asyncio"):
        from huggingchat_agent.testing import loops

        config.pluginmanager.register(loops.fixtures(), "huggingchat-loops")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: Any) -> None:
    """An async test that asks for one of our fixtures needs no marker to be run by pytest-asyncio."""
    if not inspect.iscoroutinefunction(obj) or not collector.config.pluginmanager.hasplugin("asyncio"):
        return
    if _ASYNC & inspect.signature(obj).parameters.keys():
        marked = {mark.name for mark in [*collector.iter_markers(), *getattr(obj, "pytestmark", [])]}
        if not {"asyncio", "anyio"} & marked:
            pytest.mark.asyncio(obj)


def pytest_itemcollected(item: pytest.Item) -> None:
    if isinstance(item, pytest.Function) and _ASYNC & set(item.fixturenames) and is_async(item):
        # First of all fixtures, and so the last to end.
        if "_huggingchat_aside" not in item.fixturenames:
            item.fixturenames.insert(0, "_huggingchat_aside")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A marker that nobody can follow ends the run before its first test, as a wrong option does.

    The workers of xdist cannot end a run with a sentence: there it is the error of each such test.
    """
    marked = [item for item in items if item.get_closest_marker("huggingchat") is not None]
    if marked and not hasattr(config, "workerinput"):
        from huggingchat_agent.testing import markers

        markers.check(marked)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("huggingchat") is not None:
        from huggingchat_agent.testing import markers

        markers.of(item)
    if isinstance(item, pytest.Function) and _OURS & set(item.fixturenames):
        from huggingchat_agent.testing import loops

        loops.check(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if isinstance(item, pytest.Function) and "huggingchat_agent.testing.observations" in sys.modules:
        from huggingchat_agent.testing import failure_report

        failure_report.note(item, call, report)
    return report


def is_async(item: pytest.Function) -> bool:
    """Whether a test is a coroutine."""
    return inspect.iscoroutinefunction(item.function)


@pytest.fixture
def _huggingchat_context(request: pytest.FixtureRequest, huggingchat_tapes: Path) -> dict[str, Any]:
    """How pytest-playwright was told to open pages, where a browser is going to be started."""
    from huggingchat_agent.testing import browser_context, tapes

    return {} if tapes.played(request.node, huggingchat_tapes) else browser_context.asked(request)


@pytest.fixture
def _huggingchat_aside(_huggingchat_context: Mapping[str, Any]) -> Iterator[None]:
    """Before an async test: a sync Playwright that runs in this thread steps aside until its end."""
    from huggingchat_agent.testing import loops

    with loops.sync_playwright_aside():
        yield


@pytest.fixture
async def _huggingchat_anyio_loop() -> AsyncIterator[Any]:
    """The loop of a test that anyio runs."""
    import asyncio

    yield asyncio.get_running_loop()


@pytest.fixture(scope="session")
def huggingchat_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What chats are opened with: the settings of HuggingChat by name, as a dict to override in conftest.py.
    From pytest-playwright, where it is installed, come `--headed`, `--slowmo`, `--browser-channel`,
    `base_url` and what else of `browser_type_launch_args` the agent has a setting for; how pages are
    opened (`browser_context_args`) is added for each test. The rest comes from the environment
    (`HUGGINGCHAT_BASE_URL`, `HUGGINGCHAT_USERNAME`, ...).

        @pytest.fixture(scope="session")
        def huggingchat_settings(huggingchat_settings):
            return {**huggingchat_settings, "base_url": "http://localhost:3000", "via": "page"}
    """
    from huggingchat_agent.testing import plugin_options

    return plugin_options.settings(request)


@pytest.fixture
def huggingchat_tapes(request: pytest.FixtureRequest) -> Path:
    """The folder of the tapes of a test: `tapes/<test file>/`, beside the test file; to be overridden where
    they are kept elsewhere. A tape is called as its test is.
    """
    path: Path = request.path
    return path.parent / "tapes" / path.stem


@pytest.fixture(scope="session")
def _huggingchat_home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this worker keeps its signed-in session, of which every worker has one of its own."""
    return tmp_path_factory.mktemp("huggingchat", numbered=False)


@pytest.fixture
def huggingchat(
    request: pytest.FixtureRequest,
    huggingchat_settings: Mapping[str, Any],
    huggingchat_tapes: Path,
    _huggingchat_home: Path,
    _huggingchat_context: Mapping[str, Any],
) -> Iterator[HuggingChat]:
    """A HuggingChat, open and signed in, in the event loop of an async test; closed at its end.
    Each test has a browser of its own, and none at all in replay. The sign-in is made once per worker
    and then read from disk; it starts from the session that `huggingchat login` saved, if there is one.
    """
    from huggingchat_agent.testing import browser_context, chats, loops

    wanted = browser_context.merged(request.node, huggingchat_settings, _huggingchat_context)
    loop = loops.of(request)
    with chats.asynchronous(request.node, wanted, huggingchat_tapes, _huggingchat_home, loop) as chat:
        yield chat


@pytest.fixture
def huggingchat_sync(
    request: pytest.FixtureRequest,
    huggingchat_settings: Mapping[str, Any],
    huggingchat_tapes: Path,
    _huggingchat_home: Path,
    _huggingchat_context: Mapping[str, Any],
) -> Iterator[sync.HuggingChat]:
    """As `huggingchat`, for tests without async: the same names on `huggingchat_agent.sync`. Works beside the
    `page` of pytest-playwright.
    """
    from huggingchat_agent.testing import browser_context, chats

    wanted = browser_context.merged(request.node, huggingchat_settings, _huggingchat_context)
    with chats.synchronous(request.node, wanted, huggingchat_tapes, _huggingchat_home) as chat:
        yield chat


@pytest.fixture
def conversation(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A new conversation: of `huggingchat` in an async test, of `huggingchat_sync` in another.
    Its model is that of `@pytest.mark.huggingchat(model=...)`, else the app's default. It is deleted
    on the server at the end, unless `--huggingchat-keep` or the marker's `keep=True` says otherwise.
    """
    from huggingchat_agent.testing import chats, loops

    if is_async(request.node):
        chat = request.getfixturevalue("huggingchat")
        with chats.conversation(request.node, chat, loops.of(request)) as made:
            yield made
    else:
        chat = request.getfixturevalue("huggingchat_sync")
        with chats.conversation_sync(request.node, chat) as made:
            yield made


@pytest.fixture
def huggingchat_attach(
    request: pytest.FixtureRequest, huggingchat_settings: Mapping[str, Any], _huggingchat_home: Path
) -> Iterator[Callable[..., Any]]:
    """A function that attaches the agent to a page which the test drives by Playwright itself.
    Turns that the test starts by its own locators give the same events as the agent's.

        def test_composer(page, base_url, huggingchat_attach):
            attached = huggingchat_attach(page)
            page.goto(base_url)
            page.get_by_placeholder("Ask anything").fill("hello")
            page.get_by_role("button", name="Send message").click()
            assert "hello" in attached.wait_for_answer().text

    With an async page it is awaited: `attached = await huggingchat_attach(page)`. Settings can be given
    by name. It comes off the page at the end of the test.
    """
    from huggingchat_agent.testing import attach_fixture, loops

    loop = loops.of(request) if is_async(request.node) else None
    with attach_fixture.attacher(request, huggingchat_settings, _huggingchat_home, loop) as attach:
        yield attach
