"""Text on stdin that goes along with a prompt, and the encoding of what comes and goes."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.shell import COMMAND

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys
from huggingchat_agent.cli import console, stdin
console.prepare_streams()
sys.stdout.write(stdin.add_piped_text("Explain this."))
"""
CODE = "x = 'é – 日本'\n"


def start(source, environment=None):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=source,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )


def finish(process, text=None):
    out, err = process.communicate(text, timeout=30)
    assert process.returncode == 0, err
    return out.decode(), err.decode()


@pytest.mark.parametrize("encoding", ["", "cp1252", "ascii", "utf-16"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_piped_text_goes_along_in_utf_8_whatever_the_locale_says(encoding, mark):
    process = start(subprocess.PIPE, {"PYTHONIOENCODING": encoding} if encoding else {})
    out, err = finish(process, mark + CODE.encode())
    assert out == f"Explain this.\n\n{CODE}"
    assert err == f"{len(CODE)} characters from stdin go with the prompt.\n"


def test_bytes_that_are_not_utf_8_are_replaced_with_a_warning():
    out, err = finish(start(subprocess.PIPE), b"caf\xe9, cr\xe8me\n")
    assert out == "Explain this.\n\ncaf\ufffd, cr\ufffdme\n"
    assert err.startswith("Warning: stdin holds the byte 0xe9, which is not UTF-8.")
    assert err.count("Warning") == 1


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_refused(encoding):
    _, err = start(subprocess.PIPE).communicate("\ufeffcafé".encode(encoding), timeout=30)
    assert b"UsageError: stdin is in UTF-16. Give it in UTF-8" in err


@pytest.mark.parametrize("text", [b"", b" \n\n"])
def test_empty_pipe_adds_nothing(text):
    assert finish(start(subprocess.PIPE), text) == ("Explain this.", "")


def test_pipe_is_read_to_its_end_once_it_has_said_something():
    reading, writing = os.pipe()
    with start(reading) as process:
        os.close(reading)
        os.write(writing, b"first ")
        time.sleep(1.5)  # longer than a silent pipe is waited for
        os.write(writing, b"second")
        os.close(writing)
        assert finish(process)[0] == "Explain this.\n\nfirst second"


def test_pipe_that_says_nothing_is_left_alone():
    reading, writing = os.pipe()
    with start(reading) as process:
        os.close(reading)
        assert finish(process) == ("Explain this.", "")  # though nobody has closed it
    os.close(writing)


def test_file_goes_along_unless_a_part_of_it_was_read(tmp_path):
    path = tmp_path / "questions"
    path.write_bytes(b"one\ntwo\n")
    with path.open("rb", buffering=0) as file:
        assert finish(start(file))[0] == "Explain this.\n\none\ntwo\n"
    with path.open("rb", buffering=0) as file:
        file.read(4)
        assert finish(start(file)) == ("Explain this.", "")
        assert file.read() == b"two\n"


def test_loop_of_a_shell_keeps_its_lines(tmp_path):
    (tmp_path / "questions").write_text("one\ntwo\nthree\n")
    loop = 'while read line; do "$0" -c "$1"; echo " $line"; done < questions'
    done = subprocess.run(
        ["sh", "-c", loop, sys.executable, PROGRAM], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "".join(f"Explain this. {line}\n" for line in ("one", "two", "three"))


@pytest.mark.parametrize("redirection", ["</dev/null", "<&-"])
def test_no_stdin_is_no_text(redirection):
    command = f'exec "$0" -c "$1" {redirection}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, PROGRAM], capture_output=True, text=True, timeout=30
    )
    assert (done.stdout, done.stderr) == ("Explain this.", "")


def test_document_is_utf_8_where_the_locale_is_not(tmp_path):
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    tape, path = ROOT / "fixtures" / "tapes" / "v1-conversation.tape", tmp_path / "out.html"
    done = subprocess.run(
        [COMMAND, "tape", "report", str(tape), "--output", str(path)],
        env={**os.environ, **ascii_only},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert not path.read_text("utf-8").isascii()
