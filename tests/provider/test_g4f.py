"""g4f's own client, in an environment of its own, drives the provider."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from fixtures.site.produced import PICTURE
from tests import foreign
from tests.provider.conftest import DEEPSEEK, LLAMA, QWEN

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.browser,
    pytest.mark.timeout(2 * foreign.INSTALL_SECONDS + 120),
]


@pytest.fixture(scope="module")
def python():
    return foreign.interpreter(with_agent=True)


@pytest.fixture
def run(python, site, tmp_path):
    """Run a program there, signed in by what the environment says; what it printed."""

    def run_one(*arguments):
        ran = subprocess.run(
            [str(python), *map(str, arguments)],
            cwd=tmp_path,
            env={
                **os.environ,
                "HOME": str(tmp_path),
                "HUGGINGCHAT_BASE_URL": site.url,
                "HUGGINGCHAT_HOME": str(tmp_path / "home"),
                "HUGGINGCHAT_USERNAME": site.username,
                "HUGGINGCHAT_PASSWORD": site.password,
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run_one


def test_client_streams_or_not_goes_on_with_a_conversation_and_sends_a_picture(run, site, tmp_path):
    logins = site.control.logins
    (tmp_path / "dot.png").write_bytes(PICTURE)
    told = json.loads(run(Path(__file__).with_name("g4f_client.py"), tmp_path / "dot.png"))
    assert told["models"] == [LLAMA, QWEN, DEEPSEEK]
    assert told["whole"].startswith("You said: not streamed [history=2 ")
    assert told["finish"] == "stop"
    assert told["recognised"]
    assert len(told["chunks"]) > 3
    assert "".join(told["chunks"]).startswith("You said: streamed on [history=4 "), "in the same conversation"
    assert "[images=1]" in told["seen"]
    assert "Let me think about it." in told["reasoning"]
    assert told["answer"].startswith("You said: reason a bit")
    assert "data:image/png;base64," in told["drawn"]
    assert told["missing_auth"] == "MissingAuthError"
    assert told["sync"].startswith("You said: without a loop")
    assert len(told["sync_chunks"]) > 3
    assert site.control.logins == logins + 1


def test_nothing_of_g4f_is_loaded_by_the_provider_where_it_is_installed(python):
    program = (
        "import sys, huggingchat_agent.provider; "
        "print([name for name in sys.modules if name.partition('.')[0] in ('g4f', 'playwright', 'requests')])"
    )
    ran = subprocess.run([str(python), "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
