"""The command `batch` on the stand-in: killed, interrupted, and started again."""

import json
import signal
import time

import pytest

from fixtures.site import StandIn
from tests.batching.killed import run
from tests.cli.shell import Shell
from tests.quick import QUICK

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site():
    with StandIn(echo_pause=0.0, **QUICK) as site:
        yield site


@pytest.fixture
def shell(site, borrowed, tmp_path):
    shell = Shell(site.url, tmp_path / "state")
    shell.more = borrowed | {"HUGGINGCHAT_USERNAME": "ada", "HUGGINGCHAT_PASSWORD": "correct horse"}
    assert shell.here("login").code == 0
    return shell


# Of the long run: five hundred prompts, one in twenty of which fails, killed ten times.
@pytest.mark.parametrize(
    ("count", "kills"), [(24, 2), pytest.param(500, 10, marks=pytest.mark.soak, id="500")]
)
def test_killed_batch_goes_on_and_sends_nothing_twice(shell, site, tmp_path, count, kills):
    outcome = run(shell, site, tmp_path, count, kills)
    assert outcome.faults == []
    assert (outcome.summary["items"], outcome.summary["failed"]) == (count, count // 20)


def test_interrupted_batch_writes_what_it_has_and_says_how_to_go_on(shell, site, tmp_path):
    prompts = ["quick one", "count 2000 every 20 slowly"]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"prompt": each}) + "\n" for each in prompts))
    out = tmp_path / "out.jsonl"
    command = ["batch", str(tmp_path / "in.jsonl"), "-o", str(out)]
    with shell.start(*command) as process:
        while b'"done"' not in (_read(out.with_name("out.jsonl.journal"))):
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"1 of 2 are finished. Run this again to continue." in err
    assert [json.loads(line)["text"][:19] for line in out.read_text().splitlines()] == ["You said: quick one"]
    assert not site.control.running


def test_output_that_is_there_is_kept(shell, tmp_path):
    (tmp_path / "in.jsonl").write_text('{"prompt": "x"}\n')
    (tmp_path / "out.jsonl").write_text("mine")
    done = shell.here("batch", str(tmp_path / "in.jsonl"), "-o", str(tmp_path / "out.jsonl"))
    assert done.code == 2 and "--force" in done.err
    assert (tmp_path / "out.jsonl").read_text() == "mine"


def test_prompts_can_come_from_stdin(shell, tmp_path):
    out = tmp_path / "out.jsonl"
    done = shell("batch", "-", "-o", str(out), stdin='{"prompt": "one"}\n{"prompt": "two"}\n')
    assert done.code == 0
    assert [json.loads(line)["text"][:13] for line in out.read_text().splitlines()] == [
        "You said: one",
        "You said: two",
    ]


def _read(path):
    return path.read_bytes() if path.exists() else b""
