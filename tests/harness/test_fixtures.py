"""What the fixtures give to tests, with real browsers on the stand-in."""

import gzip
import json
import signal
import subprocess
import sys
import time
from typing import Any, NamedTuple

import pytest

from tests.harness.conftest import RUN_SECONDS, Project

pytestmark = [pytest.mark.browser, pytest.mark.timeout(RUN_SECONDS + 20)]

FILES = {
    # Nothing of ours may look for anything in a folder called as this project's is.
    "agent/__init__.py": "raise RuntimeError('a package of somebody else, imported by mistake')",
    "test_both.py": """
        import pytest

        async def test_async(conversation):
            answer = await conversation.send("hello")
            assert answer.text.startswith("You said: hello")

        def test_sync(conversation):
            answer = conversation.send("hello").result()
            assert answer.text.startswith("You said: hello")

        @pytest.mark.huggingchat(model="qwen")
        async def test_model(huggingchat, conversation):
            assert "Qwen" in conversation.model
            assert (await huggingchat.status()).username == "ada"
    """,
    "test_keep.py": """
        import pytest

        @pytest.mark.huggingchat(keep=True)
        def test_kept(conversation):
            conversation.send("keep me").result()
    """,
    "test_anyio.py": """
        import pytest

        @pytest.fixture(params=["asyncio", "trio"])
        def anyio_backend(request):
            return request.param

        @pytest.mark.anyio
        async def test_by_anyio(conversation):
            assert (await conversation.send("hello")).text
    """,
    "test_scope.py": """
        import asyncio
        import pytest

        loops = set()

        @pytest.mark.asyncio(loop_scope="module")
        async def test_one(conversation):
            loops.add(asyncio.get_running_loop())
            assert (await conversation.send("hello")).text

        @pytest.mark.asyncio(loop_scope="module")
        async def test_two(huggingchat):
            loops.add(asyncio.get_running_loop())
            assert await huggingchat.models()
            assert len(loops) == 1
    """,
    "test_fails.py": """
        from huggingchat_agent.testing import assert_says

        async def test_fails_async(conversation):
            assert_says(await conversation.send("mail ada@example.org"), "goodbye")

        def test_fails_sync(conversation):
            assert_says(conversation.send("hello you").result(), "goodbye")
    """,
    "test_refused.py": """
        import pytest

        NOBODY = {"username": "nobody", "password": "wrong horse", "profile": "nobody"}

        @pytest.fixture(scope="session")
        def huggingchat_settings(huggingchat_settings):
            return {**huggingchat_settings, **NOBODY}

        async def test_refused_async(conversation):
            pass

        def test_refused_sync(huggingchat_sync):
            pass
    """,
}
PASS = ["async", "sync", "model", "kept", "by_anyio[asyncio]", "one", "two"]
FAIL = ["fails_async", "fails_sync"]
ERROR = ["refused_async", "refused_sync", "by_anyio[trio]"]


def count_logins(site):
    """How often somebody tried to sign in."""
    return sum((each.method, each.path) == ("POST", "/login") for each in site.control.requests)


class Live(NamedTuple):
    """A run of all these files, and what the site says of it: sign-ins, conversations left."""

    project: Project
    result: pytest.RunResult
    logins: int
    kept: list[dict[str, Any]]


@pytest.fixture(scope="module")
def live(tmp_path_factory, site, borrowed):
    project = Project(tmp_path_factory.mktemp("live"), site, borrowed, signed_in=False)
    for name, text in FILES.items():
        project.write(name, text)
    before = count_logins(site)
    result = project.run("--huggingchat-mode=live", "--tb=short", "-rA")
    yield Live(project, result, count_logins(site) - before, site.control.conversations())


@pytest.fixture(autouse=True)
def empty(request, site):
    """Each test finds an empty site, whichever ran before it."""
    if "live" in request.fixturenames:
        request.getfixturevalue("live")
    site.control.reset()


def list_outcomes(result, word):
    """The names of the tests with an outcome."""
    found = [line.split()[1] for line in result.outlines if line.startswith(f"{word} test_")]
    return sorted(name.partition("::test_")[2] for name in found)


def find_section(result, test):
    """What the report shows of a failed test."""
    text = "\n".join(result.outlines)
    return text.partition(f" test_{test} ___")[2].partition("\n____")[0]


def list_left(project, test):
    folder = next(each for each in (project.folder / "test-results").iterdir() if f"test_{test}" in each.name)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_sync_async_and_anyio_tests_run_side_by_side(live):
    result = live.result
    assert list_outcomes(result, "PASSED") == sorted(PASS)
    assert list_outcomes(result, "FAILED") == sorted(FAIL)
    assert list_outcomes(result, "ERROR") == sorted(ERROR)


def test_chats_of_one_worker_sign_in_once(live):
    refused = sum(name.startswith("refused") for name in ERROR)
    assert live.logins == 1 + refused


def test_conversations_are_deleted_but_those_to_be_kept(live):
    assert [each["messages"][1]["content"] for each in live.kept] == ["keep me"]


def test_another_loop_than_asyncio_is_refused_with_a_sentence(live):
    live.result.stdout.fnmatch_lines(["huggingchat_agent needs asyncio, but this test runs on trio.*"])


@pytest.mark.parametrize(
    ("test", "asked"), [("fails_async", "mail [[]redacted]"), ("fails_sync", "hello you")]
)
def test_failure_shows_what_was_said_and_leaves_it_redacted(live, test, asked):
    shown = pytest.LineMatcher(find_section(live.result, test).splitlines())
    shown.fnmatch_lines(
        [
            "*HuggingChat transcript*",
            f"User: {asked}",
            f"Assistant: You said: {asked}*",
            "*HuggingChat events*",
            "*started*via='page'*",
            "*token x*until*",
            "*finished",
            "*HuggingChat files*",
            "report: *huggingchat.txt",
            "screenshot: *huggingchat.png",
            "tape: *huggingchat.tape",
        ]
    )
    left = list_left(live.project, test)
    assert set(left) == {"huggingchat.txt", "huggingchat.png", "huggingchat.tape"}
    assert left["huggingchat.png"].startswith(b"\x89PNG")
    assert b"User: " in left["huggingchat.txt"] and b"finished" in left["huggingchat.txt"]


@pytest.mark.parametrize("test", ["refused_async", "refused_sync"])
def test_failure_before_the_first_message_says_where_and_leaves_a_picture(live, test, site):
    shown = pytest.LineMatcher(find_section(live.result, test).splitlines())
    shown.fnmatch_lines(
        [
            "E *CredentialsRejected: *",
            "*HuggingChat transcript*",
            "Nothing was said.",
            f"(The agent was signing in to {site.url} when it failed.)",
            "*HuggingChat files*",
            "report: *huggingchat.txt",
            "at error: *huggingchat-error.png",
            "page tree: *huggingchat-error.txt",
        ]
    )
    left = list_left(live.project, test)
    assert left["huggingchat-error.png"].startswith(b"\x89PNG")
    assert b"textbox" in left["huggingchat-error.txt"]


def test_only_failures_leave_something_and_no_secret_is_in_it(live):
    project = live.project
    assert len(list((project.folder / "test-results").iterdir())) == len(FAIL) + 2
    assert not (project.folder / "tapes").exists(), "live makes none"
    for path in project.folder.glob("test-results/*/*.t*"):
        body = gzip.decompress(path.read_bytes()) if path.suffix == ".tape" else path.read_bytes()
        for secret in (b"correct horse", b"wrong horse", b"ada@example.org"):
            assert secret not in body, path


def test_workers_of_xdist_sign_in_once_each(tmp_path, site, borrowed):
    project = Project(tmp_path, site, borrowed, signed_in=False)
    before = count_logins(site)
    project.write(
        "test_two.py",
        """
        def test_one(conversation):
            assert conversation.send("hello").result().text

        def test_two(conversation):
            assert conversation.send("hello").result().text
        """,
    )
    project.run("--huggingchat-mode=live", "-n", "2").assert_outcomes(passed=2)
    assert 1 <= count_logins(site) - before <= 2
    assert site.control.conversations() == [], "what the tests made is deleted"


def test_interrupt_in_the_middle_of_an_answer_closes_everything(project, site):
    project.write(
        "test_long.py",
        """
        async def test_long(conversation):
            await conversation.send("hold 2")

        def test_never(huggingchat_sync):
            pass
        """,
    )
    process = project.start("--huggingchat-mode=record")
    while not site.control.running:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)  # the site is in this process and tells nobody
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 2, out
    assert "KeyboardInterrupt" in out
    assert site.control.conversations() == [], "the conversation is deleted although the test was interrupted"
    assert not (project.folder / "tapes").exists(), "half a session is no tape of the test"


def test_saved_session_is_taken_over_by_each_worker_and_stays_as_it_is(project, site, borrowed):
    project.environment |= borrowed
    home = project.folder / "home"
    project.write(
        "test_first.py", "def test_it(huggingchat_sync):\n    assert huggingchat_sync.status().username\n"
    )
    login = project.write(
        "login.py",
        "from huggingchat_agent.sync import HuggingChat\n"
        "import os\n"
        "with HuggingChat(base_url=os.environ['SITE']) as chat:\n"
        "    chat.login()\n",
    )
    subprocess.run([sys.executable, str(login)], env=project.environment, check=True, timeout=60)
    saved = next(home.rglob("session.json"))
    before = json.loads(saved.read_text())
    posted = count_logins(site)
    for name in ("HUGGINGCHAT_USERNAME", "HUGGINGCHAT_PASSWORD"):
        del project.environment[name]
    project.run("--huggingchat-mode=live").assert_outcomes(passed=1)
    assert count_logins(site) == posted
    assert json.loads(saved.read_text()) == before
