"""Files on the command line: sent along, saved, refused before a browser is started."""

import pytest

from fixtures.site.produced import PICTURE

pytestmark = pytest.mark.browser


def test_ask_sends_files_along_and_saves_what_comes(shell, stand_in, tmp_path):
    (tmp_path / "dot.png").write_bytes(PICTURE)
    (tmp_path / "notes.md").write_text("the word is xylophone")
    sent = [each for name in ("dot.png", "notes.md") for each in ("--file", str(tmp_path / name))]
    done = shell.here(
        "ask",
        "make file ../out.bin of 300",
        "-m",
        "qwen",
        *sent,
        "--save-files",
        str(tmp_path / "new" / "out"),
    )
    assert (done.code, done.err) == (0, "")
    heard = stand_in.control.heard[-1]
    assert "xylophone" in heard["messages"][-1]["content"]
    assert heard["images"] == [{"mime": "image/png", "size": len(PICTURE)}]
    assert [path.name for path in (tmp_path / "new" / "out").iterdir()] == ["out.bin"]
    assert (tmp_path / "new" / "out" / "out.bin").read_bytes() == (bytes(range(256)) * 2)[:300]


def test_chat_sends_files_with_the_first_message_only(shell, stand_in, tmp_path):
    (tmp_path / "notes.md").write_text("the word is xylophone")
    done = shell("chat", "--via", "page", "-f", str(tmp_path / "notes.md"), stdin="one\ntwo\n")
    assert done.code == 0
    first, second = (each["messages"] for each in stand_in.control.heard[-2:])
    assert "xylophone" in first[-1]["content"]
    assert "xylophone" not in second[-1]["content"]


@pytest.mark.parametrize("command", ["ask", "chat"])
def test_missing_file_is_reported_before_a_browser_is_started(stranger, command, tmp_path):
    said = ["hello"] if command == "ask" else []
    done = stranger.here(command, *said, "--file", str(tmp_path / "missing.txt"))
    assert done.code == 1
    assert done.out == ""
    assert done.err.startswith("Error: The file '")
    assert "cannot be read: No such file or directory." in " ".join(done.err.split())
    assert not stranger.processes()


@pytest.mark.parametrize(("option", "shown"), [([], False), (["--show-reasoning"], True)])
def test_reasoning_is_shown_in_a_pipe_when_asked_for(taped, option, shown):
    done = taped.here("ask", "reason about it", "-m", "deepseek", "--via", "page", *option)
    assert done.code == 0
    assert ("Let me think" in done.err) == shown
    assert ("22 characters of reasoning left out." in done.err) != shown
    assert "Let me think" not in done.out


def test_address_and_recording_go_with_a_question(shell, stand_in, tmp_path):
    stand_in.control.switch(
        web={"https://files.example.org/n.md": ("text/markdown", b"# Hello")}, transcription=True
    )
    recording = tmp_path / "said.ogg"
    recording.write_bytes(b"what is it?")
    more = ("--attach", "https://files.example.org/n.md", "--voice", str(recording))
    done = shell.here("ask", "-v", "--via", "page", "--temporary", *more, "Listen:")
    assert done.code == 0, done.err
    assert "Heard: what is it?" in done.err
    said = stand_in.control.heard[-1]["messages"][-1]["content"]
    assert "# Hello" in said and said.endswith("Listen: what is it?")
    recording.write_bytes(b"...")
    silent = shell.here("ask", "--via", "page", "--temporary", "--voice", str(recording))
    assert (silent.code != 0, "heard no words" in silent.err) == (True, True)
