"""The examples of docs/provider.md, run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from huggingchat_agent import provider
from huggingchat_agent.provider import HuggingChat
from tests import foreign

DOCUMENT = (Path(__file__).parents[2] / "docs" / "provider.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
ITERATOR, SCRIPT, INSIDE_G4F = EXAMPLES

pytestmark = pytest.mark.browser


@pytest.fixture
def run(site, tmp_path):
    def run_one(program, python=sys.executable):
        ran = subprocess.run(
            [str(python), "-c", program],
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


def test_example_of_the_async_iterator_runs(run):
    assert re.fullmatch(r"You said: Why is the sky blue\? \[history=2 path=\w+\]\n\[stop\]\n", run(ITERATOR))


def test_example_of_a_script_runs(run):
    assert run(SCRIPT).startswith("You said: Hello, world! [history=2 ")


@pytest.mark.foreign
@pytest.mark.timeout(2 * foreign.INSTALL_SECONDS + 120)
def test_example_inside_g4f_runs(run):
    first, second = run(INSIDE_G4F, foreign.interpreter(with_agent=True)).splitlines()
    assert first.startswith("You said: Why is the sky blue? [history=2 ")
    assert second.startswith("You said: And at night? [history=4 ")


def test_document_names_everything():
    names = {*provider.__all__, *(name for name in vars(HuggingChat) if not name.startswith("_"))}
    assert {name for name in names if not re.search(rf"\b{name}\b", DOCUMENT)} == set()
