"""Where answers come from: tapes that a real browser made, and what is done without one."""

import gzip
import shutil

import pytest

from huggingchat_agent.testing.options import file_name
from tests.harness.conftest import Project

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
def recorded(tmp_path_factory, site):
    """A project whose tests were recorded, each with a browser of its own."""
    project = Project(tmp_path_factory.mktemp("recorded"), site)
    project.write("test_chat.py", TESTS)
    project.run("--huggingchat-mode=once").assert_outcomes(passed=3)
    return project


@pytest.fixture
def offline(recorded, tmp_path):
    """The same project elsewhere: without the site, an account, a browser."""
    shutil.copytree(recorded.folder / "tapes", tmp_path / "tapes")
    project = Project(tmp_path)
    project.write("test_chat.py", TESTS)
    project.environment |= {"HUGGINGCHAT_BROWSER": "/nowhere/chromium"}
    for name in ("HUGGINGCHAT_USERNAME", "HUGGINGCHAT_PASSWORD"):
        del project.environment[name]
    return project


def tapes(project):
    return {path.name for path in (project.folder / "tapes").rglob("*") if path.is_file()}


@pytest.mark.browser
def test_tapes_are_called_as_their_tests_are_and_hold_no_secret(recorded):
    word = file_name(f"TestSync.test_word[{'w' * 300}]")
    assert tapes(recorded) == {"test_async.tape", f"{word}.tape", "shared.tape"}
    for path in (recorded.folder / "tapes").rglob("*.tape"):
        body = gzip.decompress(path.read_bytes())
        assert b"once more" in body or path.name != "test_async.tape"
        assert b"correct horse" not in body and b"ada@example.org" not in body
    assert not (recorded.folder / "test-results").exists()


@pytest.mark.browser
@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_replay_is_the_default_and_needs_neither_site_nor_browser(offline, workers):
    before = tapes(offline)
    offline.run(*workers).assert_outcomes(passed=3)
    assert tapes(offline) == before


@pytest.mark.browser
def test_once_replays_where_there_is_a_tape(offline):
    offline.run("--huggingchat-mode=once").assert_outcomes(passed=3)


@pytest.mark.browser
def test_message_that_is_not_on_the_tape_fails_with_the_closest_one(offline):
    offline.write("test_chat.py", TESTS.replace('"once more"', '"one more"'))
    result = offline.run()
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["E*TapeMismatch: Not on the tape, *: the message 'one more'. *that is there: once more."]
    )


@pytest.mark.browser
def test_other_model_than_on_the_tape_fails(offline):
    offline.write("test_chat.py", TESTS.replace('model="qwen"', 'model="llama"'))
    result = offline.run("-k", "models")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E*TapeMismatch: Not on the tape, *: POST /conversation.*"])


@pytest.mark.browser
def test_failure_in_replay_shows_what_was_said_and_the_tape(offline):
    offline.write("test_chat.py", TESTS.replace("you said: hello", "goodbye"))
    result = offline.run("-k", "async", "--tb=short")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*HuggingChat transcript*",
            "User: hello",
            "*HuggingChat files*",
            "report: *.txt",
            "tape: *huggingchat.tape",
        ]
    )


def test_missing_tape_fails_with_the_command_that_records_it(tmp_path):
    project = Project(tmp_path)
    project.write("test_chat.py", TESTS)
    result = project.run()
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(
        [
            "There is no tape of this test: *tapes/test_chat/test_async.tape",
            "*python* -m pytest test_chat.py::test_async --huggingchat-mode=once",
        ]
    )
    assert not (tmp_path / "tapes").exists()


def test_tape_that_cannot_be_read_says_where_it_is_wrong(tmp_path):
    project = Project(tmp_path)
    project.write("test_chat.py", TESTS)
    project.write("tapes/test_chat/test_async.tape", "no tape")
    result = project.run("-k", "async")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E*TapeCorrupt: *test_async.tape cannot be read at offset 0*"])


@pytest.mark.browser
def test_recording_of_a_test_that_fails_does_not_replace_its_tape(recorded, offline, site):
    offline.environment = {**recorded.environment}
    offline.write("test_chat.py", TESTS.replace("you said: hello", "goodbye"))
    tape = offline.folder / "tapes" / "test_chat" / "test_async.tape"
    before = tape.read_bytes()
    result = offline.run("-k", "async", "--huggingchat-mode=record")
    result.assert_outcomes(failed=1)
    assert tape.read_bytes() == before
    left = list((offline.folder / "test-results").rglob("*"))
    assert {path.name for path in left if path.is_file()} == {
        "huggingchat.txt",
        "huggingchat.png",
        "huggingchat.tape",
    }
    result.stdout.fnmatch_lines(["tape: *huggingchat.tape"])


@pytest.mark.browser
def test_live_makes_no_tape(recorded, tmp_path):
    project = Project(tmp_path)
    project.environment = recorded.environment
    project.write("test_chat.py", TESTS)
    project.run("-k", "models", "--huggingchat-mode=live").assert_outcomes(passed=1)
    assert not (tmp_path / "tapes").exists() and not (tmp_path / "test-results").exists()


@pytest.mark.parametrize("text", ["a" * 200, "ä/ö", "..", "", "a b", "-"])
def test_file_names_are_short_plain_and_different(text):
    name = file_name(text)
    assert 0 < len(name) <= 120 and name.isascii() and "/" not in name and not name.startswith((".", "-"))
    assert file_name(f"{text}!") != name
