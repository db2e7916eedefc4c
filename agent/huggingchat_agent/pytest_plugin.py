"""The pytest plugin: fixtures that put a test on HuggingChat, or on your own chat-ui.

    async def test_greeting(conversation):
        answer = await conversation.send("Say hello.")
        assert "hello" in answer.text.lower()

It is loaded in every run of pytest, so it imports nothing until one of its fixtures is used.
`pytest --fixtures` and docs/testing.md describe what it offers.
"""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any, get_args

import pytest

from huggingchat_agent.choices import Mode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
    from pathlib import Path

    from huggingchat_agent import sync
    from huggingchat_agent.huggingchat import HuggingChat
    from huggingchat_agent.testing.endpoint import Endpoint

MODES = get_args(Mode)

# Our fixtures that return something to await in an async test.
_ASYNC = frozenset({"huggingchat", "conversation", "huggingchat_attach"})
_OURS = _ASYNC | {"huggingchat_sync"}


def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Note whether `--screenshot` was given. Its default looks like "off" too."""
    early_config.option.huggingchat_pictures_chosen = any(
        each.partition("=")[0] == "--screenshot" for each in args
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("huggingchat", "HuggingChat")
    group.addoption(
        "--huggingchat-mode",
        choices=MODES,
        help="Where answers come from. replay: the test's tape and never the network (the default); "
        "once: the tape, or the app if there is no tape yet, which is then recorded; "
        "record: the app, and every tape is recorded again; live: the app, without tapes.",
    )
    group.addoption(
        "--huggingchat-keep", action="store_true", help="Leave the conversations of the tests on the server."
    )
    group.addoption(
        "--huggingchat-login-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="Another origin where you sign in, such as https://id.example.org (setting login_origins).",
    )
    parser.addini("huggingchat_mode", "The default of --huggingchat-mode.", default="replay")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "huggingchat(tape=..., mode=..., model=..., keep=..., faults=..., speed=...): the test's tape (a "
        "name or a path), where its answers come from (replay, once, record or live), the model of its "
        "`conversation`, whether to keep that on the server, the faults to stage in replay (see "
        "huggingchat_agent.playback.faults), and the speed of `huggingchat_endpoint`.",
    )
    if config.getini("huggingchat_mode") not in MODES:
        raise pytest.UsageError(
            f"huggingchat_mode is {config.getini('huggingchat_mode')!r}; it is one of: {', '.join(MODES)}."
        )
    if config.pluginmanager.hasplugin("asyncio"):
        from huggingchat_agent.testing import loops

        config.pluginmanager.register(loops.make_fixtures(), "huggingchat-loops")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: Any) -> None:
    """Mark async tests that use our fixtures for pytest-asyncio, so that they need no marker."""
    # From Python 3.12 on, the module `inspect` looks like a coroutine function to `inspect`.
    if not (callable(obj) and inspect.iscoroutinefunction(obj)):
        return
    if not collector.config.pluginmanager.hasplugin("asyncio"):
        return
    if _ASYNC & inspect.signature(obj).parameters.keys():
        marked = {mark.name for mark in [*collector.iter_markers(), *getattr(obj, "pytestmark", [])]}
        if not {"asyncio", "anyio"} & marked:
            pytest.mark.asyncio(obj)


def pytest_itemcollected(item: pytest.Item) -> None:
    if isinstance(item, pytest.Function) and _ASYNC & set(item.fixturenames) and is_async(item):
        # The first fixture to begin is the last to end.
        if "_huggingchat_aside" not in item.fixturenames:
            item.fixturenames.insert(0, "_huggingchat_aside")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A wrong marker ends the run before its first test, as a wrong option does.

    Workers of xdist cannot end a run with a sentence. There, each such test fails with the error.
    """
    marked = [item for item in items if item.get_closest_marker("huggingchat") is not None]
    if marked and not hasattr(config, "workerinput"):
        from huggingchat_agent.testing import markers

        markers.check_markers(marked)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("huggingchat") is not None:
        from huggingchat_agent.testing import markers

        markers.read_marker(item)
    if isinstance(item, pytest.Function) and _OURS & set(item.fixturenames):
        from huggingchat_agent.testing import loops

        loops.check_item(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    if not (isinstance(item, pytest.Function) and "huggingchat_agent.testing.observations" in sys.modules):
        return (yield)
    from huggingchat_agent.testing import failure_report

    failure_report.hide_internals(item, call)
    report = yield
    failure_report.add_sections(item, call, report)
    return report


def is_async(item: pytest.Function) -> bool:
    """Whether a test is a coroutine."""
    return inspect.iscoroutinefunction(item.function)


@pytest.fixture
def _huggingchat_context(request: pytest.FixtureRequest, huggingchat_tapes: Path) -> dict[str, Any]:
    """pytest-playwright's options for pages, if a browser will start."""
    from huggingchat_agent.testing import browser_context, tapes

    return (
        {}
        if tapes.plays_tape(request.node, huggingchat_tapes)
        else browser_context.read_context_args(request)
    )


@pytest.fixture
def _huggingchat_aside(_huggingchat_context: Mapping[str, Any]) -> Iterator[None]:
    """Let an async test's loop run beside a sync Playwright of this thread."""
    from huggingchat_agent.testing import loops

    with loops.set_sync_playwright_aside():
        yield


@pytest.fixture
async def _huggingchat_anyio_loop() -> AsyncIterator[Any]:
    """The loop of a test that anyio runs."""
    import asyncio

    yield asyncio.get_running_loop()


@pytest.fixture(scope="session")
def huggingchat_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings for chats, as a dict by name. Override this fixture in conftest.py to change them. If
    pytest-playwright is installed, `--headed`, `--slowmo`, `--browser-channel`, `base_url` and other
    `browser_type_launch_args` that the agent has a setting for are included; `browser_context_args` is added
    for each test. The rest comes from the environment (`HUGGINGCHAT_BASE_URL`, `HUGGINGCHAT_USERNAME`, ...).

        @pytest.fixture(scope="session")
        def huggingchat_settings(huggingchat_settings):
            return {**huggingchat_settings, "base_url": "http://localhost:3000", "via": "page"}
    """
    from huggingchat_agent.testing import plugin_options

    return plugin_options.read_settings(request)


@pytest.fixture
def huggingchat_tapes(request: pytest.FixtureRequest) -> Path:
    """The folder of a test's tapes: `tapes/<test file>/`, beside the test file. Override this fixture to
    keep them elsewhere. A tape is named after its test.
    """
    path: Path = request.path
    return path.parent / "tapes" / path.stem


@pytest.fixture(scope="session")
def _huggingchat_home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where this worker keeps its signed-in session. Each worker has its own."""
    return tmp_path_factory.mktemp("huggingchat", numbered=False)


@pytest.fixture
def huggingchat(
    request: pytest.FixtureRequest,
    huggingchat_settings: Mapping[str, Any],
    huggingchat_tapes: Path,
    _huggingchat_home: Path,
    _huggingchat_context: Mapping[str, Any],
) -> Iterator[HuggingChat]:
    """A HuggingChat, open and signed in, in the event loop of an async test. It is closed at the test's end.
    Each test has its own browser, or none in replay. Each worker signs in once and then reads the session
    from disk. It starts from the session that `huggingchat login` saved, if there is one.
    """
    from huggingchat_agent.testing import browser_context, chats, loops

    wanted = browser_context.merge_settings(request.node, huggingchat_settings, _huggingchat_context)
    loop = loops.get_loop(request)
    with chats.open_chat(request.node, wanted, huggingchat_tapes, _huggingchat_home, loop) as chat:
        yield chat


@pytest.fixture
def huggingchat_sync(
    request: pytest.FixtureRequest,
    huggingchat_settings: Mapping[str, Any],
    huggingchat_tapes: Path,
    _huggingchat_home: Path,
    _huggingchat_context: Mapping[str, Any],
) -> Iterator[sync.HuggingChat]:
    """Like `huggingchat`, for sync tests: the same names, from `huggingchat_agent.sync`. It works beside
    pytest-playwright's `page`.
    """
    from huggingchat_agent.testing import browser_context, chats

    wanted = browser_context.merge_settings(request.node, huggingchat_settings, _huggingchat_context)
    with chats.open_sync_chat(request.node, wanted, huggingchat_tapes, _huggingchat_home) as chat:
        yield chat


@pytest.fixture
def huggingchat_endpoint(
    request: pytest.FixtureRequest,
    huggingchat_settings: Mapping[str, Any],
    huggingchat_tapes: Path,
    _huggingchat_home: Path,
) -> Iterator[Endpoint]:
    """An endpoint in OpenAI's and Anthropic's protocols that the test's tape answers, with its timing, for
    sync and async tests. Needs the extra `server`. A program gets its `base_url` and its `key`. `journal` has
    what the program asked; each of its next messages takes the first of `faults` away.

        def test_program(huggingchat_endpoint):
            client = OpenAI(base_url=huggingchat_endpoint.base_url, api_key=huggingchat_endpoint.key)
            ...
            assert huggingchat_endpoint.journal[-1].body["stream"]
    """
    from huggingchat_agent.testing import endpoint

    with endpoint.open_endpoint(
        request.node, huggingchat_settings, huggingchat_tapes, _huggingchat_home
    ) as opened:
        yield opened


@pytest.fixture
def conversation(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A new conversation: from `huggingchat` in an async test, from `huggingchat_sync` in a sync one.
    Its model is that of `@pytest.mark.huggingchat(model=...)`, else the app's default. It is deleted
    on the server at the end, unless `--huggingchat-keep` or the marker's `keep=True` keeps it.
    """
    from huggingchat_agent.testing import chats, loops

    if is_async(request.node):
        chat = request.getfixturevalue("huggingchat")
        with chats.open_conversation(request.node, chat, loops.get_loop(request)) as made:
            yield made
    else:
        chat = request.getfixturevalue("huggingchat_sync")
        with chats.open_sync_conversation(request.node, chat) as made:
            yield made


@pytest.fixture
def huggingchat_attach(
    request: pytest.FixtureRequest, huggingchat_settings: Mapping[str, Any], _huggingchat_home: Path
) -> Iterator[Callable[..., Any]]:
    """A function that attaches the agent to a page that the test drives with Playwright itself.
    Turns that the test starts with its own locators give the same events as the agent's.

        def test_composer(page, base_url, huggingchat_attach):
            attached = huggingchat_attach(page)
            page.goto(base_url)
            page.get_by_placeholder("Ask anything").fill("hello")
            page.get_by_role("button", name="Send message").click()
            assert "hello" in attached.wait_for_answer().text

    Await it for an async page: `attached = await huggingchat_attach(page)`. Settings can be passed by
    name. The agent is detached at the end of the test.
    """
    from huggingchat_agent.testing import attach_fixture, loops

    loop = loops.get_loop(request) if is_async(request.node) else None
    with attach_fixture.provide_attach(request, huggingchat_settings, _huggingchat_home, loop) as attach:
        yield attach
