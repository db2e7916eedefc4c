"""The sample project is run as it is, from its tapes and against a chat-ui."""

import re
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
    import asyncio

    import pytest
    import pytest_asyncio

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

    @pytest_asyncio.fixture
    async def answer(conversation):
        return await conversation.send("Something else.")

    @on()
    @pytest.mark.asyncio
    async def test_fixture_of_theirs(answer):
        pass

    @on()
    async def test_group(conversation):
        async with asyncio.TaskGroup() as group:
            group.create_task(conversation.send("Something else.").answer())

    @on()
    async def test_no_model(huggingchat):
        await huggingchat.new_conversation(model="nothing like it")

    @on()
    def test_usage(conversation):
        conversation.send(5)
"""


def test_error_is_shown_where_the_test_called_and_the_transcript_has_the_prompt(sample):
    sample.write("test_it.py", MISMATCHES)
    result = sample.run("test_it.py")
    result.assert_outcomes(failed=5, errors=2)
    shown = read_sections(result)
    errors = dict.fromkeys(shown, "TapeMismatch: Not on the tape")
    errors |= {"no_model": "UnknownModel: The app has no model", "usage": "UsageError: The prompt must be"}
    assert set(shown) == {
        *("async", "sync", "fixture", "fixture_of_theirs", "group", "no_model", "usage"),
    }
    for name, lines in shown.items():
        raised = next(number for number, line in enumerate(lines) if errors[name] in line)
        assert raised < 29
        inside = [line for line in lines if re.search(r"/(chat|sync)/\w+\.py", line)]
        # A group shows where its task began.
        assert len(inside) == (name == "group"), inside
        if name in ("async", "sync", "fixture_of_theirs", "group"):
            pytest.LineMatcher(lines).fnmatch_lines(["User: Something else."])
            pytest.LineMatcher(lines).no_fnmatch_line("*(not seen)*")
    assert any(
        'return await conversation.send("Something else.")' in line for line in shown["fixture_of_theirs"]
    )


HOSTILE = r"""
    import pytest

    @pytest.mark.huggingchat(tape="tapes/test_prompts/test_conversation_remembers.tape")
    def test_hostile(conversation):
        conversation.on("failed", lambda event: 1 / len(event.message[:0]))
        conversation.send("\x1b]52;c;ZXZpbA==\x07 evil \x9b31m \u202egnp.exe").result()
"""


def test_report_controls_no_terminal_and_shows_what_deceives(sample):
    sample.write("test_it.py", HOSTILE)
    result = sample.run("test_it.py")
    result.assert_outcomes(failed=1)
    (saved,) = (sample.folder / "test-results").rglob("*.txt")
    for text in ("\n".join(result.outlines), saved.read_text()):
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)
        assert "User: ]52;c;ZXZpbA== evil 31m <U+202E>gnp.exe" in text


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
