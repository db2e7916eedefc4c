"""Printing a part of an answer, and continuing the last conversation without its id."""

import json

import pytest

from huggingchat_agent.cli.excerpts import find_code
from tests.cli.test_ask import find_newest

SCHEMA = {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}
GOOD, BAD = '{"city": "Paris"}', '{"city": 7}'


def ask(shell, *arguments):
    return shell.here("ask", "--via", "page", *arguments)


@pytest.fixture
def schema(tmp_path):
    path = tmp_path / "city.json"
    path.write_text(json.dumps(SCHEMA))
    return str(path)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Look:\n\n```python\nprint(1)\n```\n\n```\nsecond\n```", "print(1)\n"),
        ("~~~~\na ``` b\n~~~~", "a ``` b\n"),
        ("1. First\n\n   ```sh\n   ls\n   ```", "ls\n"),
        ("```\nnever closed", "never closed"),
        ("`code` in a line, and\n\n    an indented block", None),
        ("", None),
    ],
)
def test_first_block_of_code_is_found(text, code):
    assert find_code(text) == code


@pytest.mark.browser
def test_code_alone_is_printed(shell, stand_in):
    done = ask(shell, "-x", "recite «Look:\n\n```sh\nwc -w\n```\nDone.»")
    assert (done.code, done.out, done.err) == (0, "wc -w\n", "")
    done = ask(shell, "--extract", "recite «No code here.»")
    assert (done.code, done.out) == (1, "")
    newest = find_newest(stand_in)["id"]
    assert done.err == (
        f"Error: The answer has no block of code. To read it: huggingchat conversations show {newest}\n"
    )


@pytest.mark.browser
def test_json_fits_its_schema_or_is_asked_for_once_more(shell, stand_in, schema):
    done = ask(shell, "--schema", schema, f"recite «Here: {GOOD}»")
    assert (done.code, done.out, done.err) == (0, f"{GOOD}\n", "")
    assert json.dumps(SCHEMA, separators=(",", ":")) in find_newest(stand_in)["messages"][1]["content"]
    done = ask(shell, "--schema", schema, f"recite «{BAD}» «{GOOD}»")
    assert (done.code, done.out, done.err) == (0, f"{GOOD}\n", "")
    assert len(find_newest(stand_in)["messages"]) == 5
    done = ask(shell, "--schema", schema, f"recite «{BAD}» «nothing» «{GOOD}»")
    assert (done.code, done.out) == (1, "")
    assert "not even the second time: " in done.err


@pytest.mark.browser
def test_last_conversation_goes_on(shell, stand_in):
    assert ask(shell, "first").code == 0
    newest = find_newest(stand_in)["id"]
    for arguments in (["-c", "last"], ["--last"]):
        assert ask(shell, *arguments, "more").code == 0
    assert find_newest(stand_in)["id"] == newest
    assert len(stand_in.control.conversation(newest)["messages"]) == 7


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-x", "--json", "hello"], "exclude each other"),
        (["--last", "-c", "6" * 24, "hello"], "two conversations"),
        (["--last", "-m", "llama", "hello"], "for new ones"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused(stranger, arguments, says):
    done = stranger.here("ask", *arguments)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"{", 2, "is not a JSON schema: it is not valid JSON"),
        (b"\xff\xfe", 2, "it is not UTF-8"),
        (b'{"type": 3}', 2, "The JSON schema is wrong at type"),
        (b"[]", 2, "A JSON schema is an object"),
        (None, 1, "cannot be read"),
    ],
)
def test_bad_schema_is_refused_before_a_browser_starts(stranger, tmp_path, content, code, says):
    path = tmp_path / "schema.json"
    if content is not None:
        path.write_bytes(content)
    done = stranger.here("ask", "--schema", str(path), "hello")
    assert (done.code, done.out) == (code, "")
    assert says in done.err
