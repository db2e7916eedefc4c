"""How long 100 replayed tests take, the start of pytest included; no browser is started."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SAMPLE = Path(__file__).parents[2] / "fixtures" / "sample_harness"
COUNT = 100

TEST = f"""
import pytest

@pytest.mark.huggingchat(tape="test_conversation_remembers")
@pytest.mark.parametrize("number", range({COUNT}))
async def test_replayed(conversation, number):
    await conversation.send("My name is Ada.")
    assert "history=4" in (await conversation.send("What is my name?")).text
"""


def measure() -> float:
    """Seconds for all of them, each two turns of a conversation, in one process."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        shutil.copytree(SAMPLE / "tapes" / "test_prompts", place / "tapes" / "test_many")
        shutil.copy(SAMPLE / "pytest.ini", place)
        (place / "test_many.py").write_text(TEST)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        began = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=place,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "HUGGINGCHAT_BROWSER": "/nowhere"},
        )
        took = time.perf_counter() - began
    if not re.search(rf"^{COUNT} passed", done.stdout, re.MULTILINE):
        raise SystemExit(done.stdout + done.stderr)
    return took
