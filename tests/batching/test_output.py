"""Where the command `batch` may write; without a browser."""

import json

import pytest

from huggingchat_agent.batching.asking import make_result
from huggingchat_agent.batching.items import Item, arrange
from huggingchat_agent.batching.journal import Journal
from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path):
    shell = Shell("http://127.0.0.1:1/chat", tmp_path / "state")
    shell.more = {"HUGGINGCHAT_CONNECT": "http://127.0.0.1:1"}  # no browser is there, and none starts
    return shell


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text('{"prompt": "x"}\n')
    return path


@pytest.mark.parametrize("journal", ["", None, "other"])
def test_output_that_the_journal_does_not_explain_is_kept(shell, prompts, tmp_path, journal):
    out, record = tmp_path / "out.jsonl", tmp_path / "out.jsonl.journal"
    out.write_text("mine")
    if journal is not None:
        record.touch()
    if journal:
        with Journal(record) as written:
            written.finish(make_result(arrange(["another"])[0], status="answered"))
    before = record.read_bytes() if record.exists() else None
    done = shell.here("batch", str(prompts), "-o", str(out))
    assert done.code == 2 and f"{out} exists already" in done.err and "--force" in done.err
    assert out.read_text() == "mine"
    assert (record.read_bytes() if record.exists() else None) == before


def test_output_of_the_same_prompts_is_continued(shell, prompts, tmp_path):
    out = tmp_path / "out.jsonl"
    out.write_text("from the run before")
    (item,) = arrange(["x", Item(prompt="y", id="y")])[:1]
    with Journal(tmp_path / "out.jsonl.journal") as written:
        written.finish(make_result(item, status="answered", text="known"))
        written.begin(item, "66b0c0ffee66b0c0ffee66b0")
    prompts.write_text('{"prompt": "x"}\n{"prompt": "y", "id": "y"}\n')
    done = shell.here("batch", str(prompts), "-o", str(out))
    assert "1 of 2 are finished" in done.err
    assert json.loads(out.read_text())["text"] == "known"


def test_results_of_prompts_that_are_not_asked_again_are_kept(shell, prompts, tmp_path):
    out = tmp_path / "out.jsonl"
    out.write_text("from the run before")
    with Journal(tmp_path / "out.jsonl.journal") as written:
        for item in arrange(["x", Item(prompt="y", id="\x1b[31my")]):
            written.finish(make_result(item, status="answered", text="known"))
    done = shell.here("batch", str(prompts), "-o", str(out))
    assert done.code == 2 and "results of other prompts, too (1; the first has the id" in done.err
    assert out.read_text() == "from the run before" and "\x1b" not in done.err
    assert shell.here("batch", str(prompts), "-o", str(out), "--force").code != 2


@pytest.mark.parametrize("more", [[], ["--force"]])
def test_prompts_are_never_the_output(shell, prompts, tmp_path, more):
    (tmp_path / "link.jsonl").symlink_to(prompts)
    for name in ("in.jsonl", "link.jsonl"):
        done = shell.here("batch", str(prompts), "-o", str(tmp_path / name), *more)
        assert done.code == 2 and "holds the prompts" in done.err
    assert prompts.read_text() == '{"prompt": "x"}\n'


@pytest.mark.parametrize("output", ["-", "/dev/null"])
def test_output_is_a_file(shell, prompts, output):
    done = shell.here("batch", str(prompts), "-o", output)
    assert done.code == 2 and "is not a file" in done.err


def test_run_that_sent_nothing_leaves_no_journal(shell, prompts, tmp_path):
    done = shell.here("batch", str(prompts), "-o", str(tmp_path / "out.jsonl"))
    assert done.code != 0 and "0 of 1 are finished" in done.err
    assert not (tmp_path / "out.jsonl.journal").exists()
