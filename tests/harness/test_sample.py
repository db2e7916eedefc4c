"""The sample project is run as it is, from its tapes and against a chat-ui."""

import shutil
from pathlib import Path

import pytest

from fixtures.site import StandIn
from tests.harness.conftest import RUN_SECONDS, Project

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


@pytest.mark.browser
def test_sample_passes_against_a_chat_ui(sample):
    with StandIn("", login=False) as site:
        del sample.environment["HUGGINGCHAT_BROWSER"]
        sample.environment["CHAT_UI_URL"] = site.url
        sample.run("test_self_hosted.py").assert_outcomes(passed=3)
