"""Where answers come from: tapes that a real browser made, and what is done without one."""

import gzip
import shutil

import pytest

from huggingchat_agent.testing.plugin_options import make_file_name
from tests.harness.conftest import RUN_SECONDS, Project, read_sections

pytestmark = pytest.mark.timeout(RUN_SECONDS + 20)

TESTS = """
    import pytest
    from huggingchat_agent.testing import assert_says, assert_streamed

    async def test_async(conversation):
        answer = await conversation.send("hello")
        assert_says(answer, "you said: hello")
        assert_streamed(answer)
        again = await conversation.send("once more")
        assert_says(again, "once more")
        assert again.message_id and again.user_message_id
        assert [each.id for each in (await conversation.read()).messages][-1] == again.message_id

    class TestSync:
        @pytest.mark.parametrize("word", ["w" * 300], ids=["w" * 300])
        def test_word(self, conversation, word):
            assert_says(conversation.send(word).result(), word)

    @pytest.mark.huggingchat(tape="shared", model="qwen")
    def test_models(huggingchat_sync, conversation):
        assert "Qwen" in conversation.model
        assert huggingchat_sync.models()
        assert huggingchat_sync.status().username == "ada"
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, site, borrowed):
    """A project whose tests were recorded."""
    project = Project(tmp_path_factory.mktemp("recorded"), site, borrowed)
    project.write("test_chat.py", TESTS)
    project.run("--huggingchat-mode=once").assert_outcomes(passed=3)
    return project


def copy_elsewhere(recorded, folder):
    """The same project without the site, an account, a browser."""
    shutil.copytree(recorded.folder / "tapes", folder / "tapes")
    project = Project(folder)
    project.write("test_chat.py", TESTS)
    project.environment |= {"HUGGINGCHAT_BROWSER": "/nowhere/chromium"}
    for name in ("HUGGINGCHAT_USERNAME", "HUGGINGCHAT_PASSWORD"):
        del project.environment[name]
    return project


@pytest.fixture
def offline(recorded, tmp_path):
    return copy_elsewhere(recorded, tmp_path)


def list_tapes(project):
    return {path.name for path in (project.folder / "tapes").rglob("*") if path.is_file()}


@pytest.mark.browser
def test_tapes_are_called_as_their_tests_are_and_hold_no_secret(recorded):
    word = make_file_name(f"TestSync.test_word[{'w' * 300}]")
    assert list_tapes(recorded) == {"test_async.tape", f"{word}.tape", "shared.tape"}
    for path in (recorded.folder / "tapes").rglob("*.tape"):
        body = gzip.decompress(path.read_bytes())
        assert b"once more" in body or path.name != "test_async.tape"
        assert b"correct horse" not in body and b"ada@example.org" not in body
    assert not (recorded.folder / "test-results").exists()


@pytest.mark.browser
@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_replay_is_the_default_and_needs_neither_site_nor_browser(offline, workers):
    before = list_tapes(offline)
    offline.run(*workers).assert_outcomes(passed=3)
    assert list_tapes(offline) == before


@pytest.mark.browser
def test_once_replays_where_there_is_a_tape(offline):
    offline.run("--huggingchat-mode=once").assert_outcomes(passed=3)


WRONG = """
    import pytest
    from huggingchat_agent.testing import assert_says

    def on(tape, **more):
        return pytest.mark.huggingchat(tape=f"tapes/test_chat/{tape}.tape", **more)

    @on("test_async")
    async def test_message(conversation):
        await conversation.send("hello")
        await conversation.send("one more")

    @on("shared", model="llama")
    def test_model(huggingchat_sync, conversation):
        pass

    @on("test_async")
    async def test_text(conversation):
        assert_says(await conversation.send("hello"), "goodbye")

    async def test_missing(conversation):
        pass

    @on("none")
    def test_unreadable(huggingchat_sync):
        pass
"""


@pytest.fixture(scope="module")
def wrong(recorded, tmp_path_factory):
    """The sections of tests that do not match their tapes in replay, by the name of the test."""
    project = copy_elsewhere(recorded, tmp_path_factory.mktemp("wrong"))
    project.write("test_chat.py", WRONG)
    project.write("tapes/test_chat/none.tape", "no tape")
    before = list_tapes(project)
    result = project.run("--tb=short")
    result.assert_outcomes(failed=2, errors=3)
    assert list_tapes(project) == before
    return {name: pytest.LineMatcher(lines) for name, lines in read_sections(result).items()}


@pytest.mark.browser
@pytest.mark.parametrize(
    ("test", "lines"),
    [
        (
            "message",
            [
                "E*TapeMismatch: Not on the tape, *{*one more*}. The closest on it is *{*once more*}.",
                "record it: *python* -m pytest test_chat.py::test_message --huggingchat-mode=record",
            ],
        ),
        ("model", ["E*TapeMismatch: Not on the tape, *: POST /conversation {*}. The closest*"]),
        (
            "missing",
            [
                "There is no tape of this test: *tapes/test_chat/test_missing.tape",
                "*python* -m pytest test_chat.py::test_missing --huggingchat-mode=once",
            ],
        ),
        ("unreadable", ["E*TapeCorrupt: *none.tape cannot be read at offset 0*"]),
    ],
)
def test_replay_fails_with_a_sentence_and_asks_nobody(wrong, test, lines):
    wrong[test].fnmatch_lines(lines)


@pytest.mark.browser
def test_failure_in_replay_shows_what_was_said_and_the_tape(wrong):
    wrong["text"].fnmatch_lines(
        [
            "*HuggingChat transcript*",
            "User: hello",
            "*HuggingChat files*",
            "report: *.txt",
            "tape: *huggingchat.tape",
        ]
    )


@pytest.mark.browser
def test_recording_replaces_the_tapes_of_the_tests_that_pass_and_no_others(recorded, offline):
    offline.environment = {**recorded.environment}
    failing = TESTS.replace("you said: hello", "goodbye")
    offline.write("test_chat.py", failing.replace("def test_models(", "def test_models(refused, "))
    offline.write(
        "conftest.py",
        """
        import os
        import pytest

        @pytest.fixture
        def refused(huggingchat_settings):
            huggingchat_settings |= {"password": "wrong horse", "profile": "nobody"}

        @pytest.fixture(scope="session")
        def huggingchat_settings(huggingchat_settings):
            return {**huggingchat_settings, "base_url": os.environ["SITE"], "via": "page"}
        """,
    )
    before = {path.name: path.read_bytes() for path in offline.folder.glob("tapes/*/*.tape")}
    result = offline.run("--huggingchat-mode=record")
    result.assert_outcomes(passed=1, failed=1, errors=1)
    after = {path.name: path.read_bytes() for path in offline.folder.glob("tapes/*/*.tape")}
    word = make_file_name(f"TestSync.test_word[{'w' * 300}]")
    assert [name for name in after if after[name] != before.get(name)] == [f"{word}.tape"]
    assert set(after) == set(before)
    left = sorted(path.name for path in (offline.folder / "test-results").glob("*/*"))
    assert left == sorted(
        [
            *("huggingchat.txt", "huggingchat.png", "huggingchat.tape"),
            *("huggingchat.txt", "huggingchat-error.png", "huggingchat-error.txt", "huggingchat.tape"),
        ]
    )
    result.stdout.fnmatch_lines(["tape: *huggingchat.tape"])


@pytest.mark.parametrize("text", ["a" * 200, "ä/ö", "..", "", "a b", "-"])
def test_file_names_are_short_plain_and_different(text):
    name = make_file_name(text)
    assert 0 < len(name) <= 120 and name.isascii() and "/" not in name and not name.startswith((".", "-"))
    assert make_file_name(f"{text}!") != name
