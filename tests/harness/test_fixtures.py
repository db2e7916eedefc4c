"""What the fixtures give to tests, with real browsers on the stand-in."""

import json
import signal
import subprocess
import sys
import time

import pytest

from tests.harness.conftest import Project

pytestmark = pytest.mark.browser

BOTH = """
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

    @pytest.mark.asyncio
    async def test_marked_by_hand(huggingchat):
        assert await huggingchat.models()
"""


def posts(site, path):
    return [each for each in site.control.requests if (each.method, each.path) == ("POST", path)]


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_sync_and_async_tests_share_a_file_and_sign_in_once_per_worker(project, site, workers):
    before = len(posts(site, "/login"))
    project.write("test_both.py", BOTH)
    result = project.run("--huggingchat-mode=live", *workers)
    result.assert_outcomes(passed=4)
    assert 1 <= len(posts(site, "/login")) - before <= (2 if workers else 1)
    assert site.control.conversations() == [], "what the tests made is deleted"


def test_conversation_stays_on_the_server_when_told_so(project, site):
    project.write(
        "test_keep.py",
        """
        import pytest

        @pytest.mark.huggingchat(keep=True)
        def test_kept(conversation):
            conversation.send("keep me").result()

        def test_not_kept(conversation):
            conversation.send("not me").result()
        """,
    )
    project.run("--huggingchat-mode=live").assert_outcomes(passed=2)
    kept = site.control.conversations()
    assert [each["messages"][1]["content"] for each in kept] == ["keep me"]
    site.control.reset()


def test_both_async_plugins_are_installed_and_either_may_run_a_test(project):
    project.write(
        "test_anyio.py",
        """
        import pytest

        @pytest.fixture(params=["asyncio", "trio"])
        def anyio_backend(request):
            return request.param

        @pytest.mark.anyio
        async def test_by_anyio(conversation):
            assert (await conversation.send("hello")).text

        async def test_by_asyncio(conversation):
            assert (await conversation.send("hello")).text
        """,
    )
    result = project.run("--huggingchat-mode=live", "-p", "anyio", "-W", "ignore::pytest.PytestWarning")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["huggingchat_agent needs asyncio, and this test runs on trio.*"])


def test_loops_of_wider_scope_are_the_chat_s_too(project):
    project.write(
        "test_scope.py",
        """
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
    )
    project.run("--huggingchat-mode=live").assert_outcomes(passed=2)


def test_failure_shows_what_was_said_and_leaves_it_redacted(project, site):
    project.write(
        "test_fails.py",
        """
        from huggingchat_agent.testing import assert_says

        async def test_async(conversation):
            assert_says(await conversation.send("mail ada@example.org"), "goodbye")

        def test_sync(conversation):
            assert_says(conversation.send("hello you").result(), "goodbye")
        """,
    )
    result = project.run("--huggingchat-mode=live", "--tb=short")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*HuggingChat transcript*",
            "User: mail [[]redacted]",
            "Assistant: You said: mail [[]redacted]*",
            "*HuggingChat events*",
            "*started*via='page'*",
            "*token x*until*",
            "*finished",
            "*HuggingChat files*",
            "report: *huggingchat.txt",
            "screenshot: *huggingchat.png",
            "*HuggingChat transcript*",
            "User: hello you",
        ]
    )
    folders = sorted((project.folder / "test-results").iterdir())
    assert len(folders) == 2
    for folder in folders:
        assert (folder / "huggingchat.png").read_bytes().startswith(b"\x89PNG")
        report = (folder / "huggingchat.txt").read_text()
        assert "User: " in report and "finished" in report
        assert "ada@example.org" not in report and "correct horse" not in report


def test_tests_that_pass_leave_nothing(project):
    project.write(
        "test_passes.py", "def test_models(huggingchat_sync):\n    assert huggingchat_sync.models()\n"
    )
    project.run("--huggingchat-mode=live").assert_outcomes(passed=1)
    assert not (project.folder / "test-results").exists()


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
    process = project.start("--huggingchat-mode=live")
    while not site.control.running:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)  # the site is in this process and tells nobody
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 2, out
    assert "KeyboardInterrupt" in out
    assert site.control.conversations() == [], "the conversation is deleted although the test was interrupted"


def test_saved_session_is_taken_over_by_each_worker_and_stays_as_it_is(project, site):
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
    posted = len(posts(site, "/login"))
    for name in ("HUGGINGCHAT_USERNAME", "HUGGINGCHAT_PASSWORD"):
        del project.environment[name]
    project.run("--huggingchat-mode=live").assert_outcomes(passed=1)
    assert len(posts(site, "/login")) == posted
    assert json.loads(saved.read_text()) == before


def test_plugin_s_package_is_found_beside_a_foreign_one_called_agent(tmp_path, site):
    project = Project(tmp_path, site)
    project.write(
        "agent/__init__.py", "raise RuntimeError('a package of somebody else, imported by mistake')"
    )
    project.write("test_it.py", "def test_it(huggingchat_sync):\n    assert huggingchat_sync.models()\n")
    project.run("--huggingchat-mode=live").assert_outcomes(passed=1)
