"""The sample project is run as it is, from its tapes and against a chat-ui."""

import shutil
from pathlib import Path

import pytest

from fixtures.site import StandIn
from tests.harness.conftest import RUN_SECONDS, Project, read_sections

pytestmark = pytest.mark.timeout(RUN_SECONDS + 20)

SAMPLE = Path(__file__).parents[2] / "fixtures" / "sample_harness"


@pytest.fixture
def sample(tmp_path):
    project = Project(tmp_path)
    shutil.copytree(SAMPLE, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    project.environment["HUGGINGCHAT_BROWSER"] = "/nowhere/chromium"
    return project


def test_sample_passes_from_its_tapes(sample):
    result = sample.run("-W", "error")
    result.assert_outcomes(passed=8, skipped=3)
    assert not (sample.folder / "test-results").exists()


MISMATCHES = """
    import pytest

    def on(**more):
        return pytest.mark.huggingchat(tape="tapes/test_prompts/test_conversation_remembers.tape", **more)

    @on()
    async def test_async(conversation):
        await conversation.send("Something else.")

    @on()
    def test_sync(conversation):
        conversation.send("Something else.").result()

    @on(model="qwen")
    async def test_fixture(conversation):
        pass
"""


def test_mismatch_is_shown_where_the_test_called_and_the_transcript_has_the_prompt(sample):
    sample.write("test_it.py", MISMATCHES)
    result = sample.run("test_it.py")
    result.assert_outcomes(failed=2, errors=1)
    shown = read_sections(result)
    assert set(shown) == {"async", "sync", "fixture"}
    for name, lines in shown.items():
        raised = next(number for number, line in enumerate(lines) if line.startswith("E  "))
        assert "TapeMismatch: Not on the tape" in lines[raised]
        assert raised < 29
        assert not [
            line for line in lines if ("/chat/" in line and line.endswith(": in")) or "sending.py" in line
        ]
        if name != "fixture":
            pytest.LineMatcher(lines).fnmatch_lines(["User: Something else."])
            pytest.LineMatcher(lines).no_fnmatch_line("*(not seen)*")


def test_mismatch_is_shown_whole_where_that_is_asked_for(sample):
    sample.write("test_it.py", MISMATCHES)
    whole = sample.run("--full-trace", "test_it.py::test_async").outlines
    assert any("matcher.py" in line for line in whole)


@pytest.mark.browser
def test_sample_passes_against_a_chat_ui(sample, borrowed):
    with StandIn("", login=False) as site:
        del sample.environment["HUGGINGCHAT_BROWSER"]
        sample.environment |= {"CHAT_UI_URL": site.url, **borrowed}
        sample.run("test_self_hosted.py").assert_outcomes(passed=3)
