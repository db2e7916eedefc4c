"""g4f's own client, in an environment of its own, drives the provider."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from fixtures.site.produced import PICTURE
from tests import foreign
from tests.provider import document
from tests.provider.conftest import DEEPSEEK, LLAMA, QWEN

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.browser,
    pytest.mark.timeout(2 * foreign.INSTALL_SECONDS + 120),
]


@pytest.fixture(scope="module")
def python():
    return foreign.find_interpreter(with_agent=True)


def test_client_streams_or_not_goes_on_with_a_conversation_and_sends_a_picture(python, run, site, tmp_path):
    logins = site.control.logins
    (tmp_path / "dot.png").write_bytes(PICTURE)
    (tmp_path / "example.py").write_text(document.INSIDE_G4F)
    client = Path(__file__).with_name("g4f_client.py")
    # Its environment has no nodriver.
    command = (python, client, tmp_path / "dot.png", tmp_path / "example.py")
    results = json.loads(run(*command, HUGGINGCHAT_ENGINE="playwright"))
    assert results["models"] == [LLAMA, QWEN, DEEPSEEK]
    assert results["whole"].startswith("You said: not streamed [history=2 ")
    assert results["finish"] == "stop"
    assert results["recognised"]
    assert len(results["chunks"]) > 3
    assert "".join(results["chunks"]).startswith("You said: streamed on [history=4 "), (
        "in the same conversation"
    )
    assert "[images=1]" in results["seen"]
    assert "Let me think about it." in results["reasoning"]
    assert results["answer"].startswith("You said: reason a bit")
    assert "data:image/png;base64," in results["drawn"]
    assert results["missing_auth"] == "MissingAuthError"
    assert results["sync"].startswith("You said: without a loop")
    assert len(results["sync_chunks"]) > 3
    first, second = results["example"].splitlines()
    assert first.startswith("You said: Why is the sky blue? [history=2 ")
    assert second.startswith("You said: And at night? [history=4 ")
    assert site.control.logins == logins, "the saved session is enough"


def test_nothing_of_g4f_is_loaded_by_the_provider_where_it_is_installed(python):
    program = (
        "import sys, huggingchat_agent.provider; "
        "print([name for name in sys.modules if name.partition('.')[0] in ('g4f', 'playwright', 'requests')])"
    )
    ran = subprocess.run([str(python), "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
