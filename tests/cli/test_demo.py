"""The demonstration, which is the first thing that anybody runs."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import PASSWORD
from tests.cli.shell import TAG, Shell

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]


class Demo:
    """Starts it in a folder of its own, and lists its processes."""

    def __init__(self, folder):
        self.folder = folder
        self.shell = Shell("", folder)

    def __call__(self, *arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "fixtures.demo", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), TAG: self.shell.tag, "COLUMNS": "100"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


@pytest.fixture
def demo(tmp_path):
    return Demo(tmp_path)


def test_demo_shows_the_answer_and_leaves_screenshot_and_events(demo, tmp_path):
    with demo("--prompt", "Say cheese, for whatever reason.") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    shown = out.decode()
    assert "You said: Say cheese" in shown
    assert "out/demo/screenshot.png" in shown and "out/demo/events.jsonl" in shown
    assert (tmp_path / "out/demo/screenshot.png").read_bytes().startswith(b"\x89PNG")
    events = (tmp_path / "out/demo/events.jsonl").read_text()
    assert json.loads(events.splitlines()[-1])["event"] == "finished"
    assert PASSWORD not in shown + events
    assert not demo.shell.processes()


def test_demo_cleans_up_when_interrupted(demo):
    with demo("--prompt", "count 1000 every 20") as process:
        while b"@" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, b"")
    assert not demo.shell.processes()
