"""Every line of shell in README and docs that runs `huggingchat`, on the stand-in."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest

from huggingchat_agent.cli.app import run
from tests.docs.blocks import Block, commands

_OFFLINE = re.compile(r"huggingchat (replay|tape) ")


def _choose_marks(block: Block) -> list[pytest.MarkDecorator]:
    if _OFFLINE.search(block.text):
        return []
    # The reference has one for every command. tests/cli/test_help.py checks their usage in every run.
    return [pytest.mark.browser, *([pytest.mark.soak] if block.page == "docs/cli.md" else [])]


LINES = [
    pytest.param(each, id=each.where, marks=_choose_marks(each))
    for each in sorted(commands(), key=lambda each: "conversations delete" in each.text)
    if each.excepted is None
]


@pytest.mark.parametrize("block", LINES)
def test_command_succeeds(block, scene, capfd):
    line = scene.here(block.text)
    words = shlex.split(line, comments=True)
    if {"|", ">"} & set(words) or words[0] != "huggingchat":
        subprocess.run(["git", "init", "-q"], check=True)
        subprocess.run(["git", "add", "--intent-to-add", "notes.md"], check=True)
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", line], timeout=60)
        code = done.returncode
    else:
        code = run(words[1:])
    out, err = capfd.readouterr()
    assert code == ("--cut" in words), f"{line}{out}{err}"  # a stream that breaks fails
