"""What a batch reads, and its journal; without a browser."""

import os
import subprocess
import sys

import pytest

from huggingchat_agent import HuggingChat, batch
from huggingchat_agent.batching.items import Item, Result, arrange, parse_items, read_items
from huggingchat_agent.batching.journal import Journal
from huggingchat_agent.errors import StorageError, UsageError


def write(tmp_path, text):
    path = tmp_path / "in.jsonl"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_lines_are_items_with_the_number_of_their_line_as_id(tmp_path):
    path = write(tmp_path, '\ufeff{"prompt": "a"}\n\n{"prompt": "b", "id": 7, "files": ["x"]}\n')
    first, second = read_items(path)
    assert (first.key, first.prompt) == ("1", "a")
    assert second == Item(prompt="b", id=7, files=["x"])


def test_item_without_addresses_is_the_one_that_an_older_journal_knows():
    assert Item(prompt="x", id="a").fingerprint == "1a1b31606c1c35c4"
    assert Item(prompt="x", id="a", attach=["https://x.test/a"]).fingerprint != "1a1b31606c1c35c4"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no prompts"),
        ("\n\n", "has no prompts"),
        ('{"prompt": "a"}\nnonsense', "line 2"),
        ('{"prompt": 5}', "line 1"),
        ('{"prompt": "a", "promt": "b"}', "promt"),
        ('{"prompt": " "}', "line 1: the prompt is empty"),
        ('{"prompt": "a", "attach": ["http://x.test/"]}', "line 1: the app fetches from https"),
        ('{"prompt": "\\ud83d"}', "line 1: it has half of a surrogate pair"),
        ('{"prompt": "\\ude00 x"}', "line 1: it has half of a surrogate pair"),
        ('{"prompt": "x', "line 1: Input data was truncated"),
        (b'{"prompt": "caf\xe9"}', "line 1"),
        ("[" * 100_000, "line 1"),
    ],
)
def test_bad_line_is_named(tmp_path, text, says):
    with pytest.raises(UsageError, match=says):
        read_items(write(tmp_path, text))


def test_line_of_stdin_is_named_too():
    with pytest.raises(UsageError, match="stdin, line 2"):
        parse_items([b'{"prompt": "a"}\n', b"nonsense\n"], "stdin")


def test_missing_file_is_said(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_items(tmp_path / "none.jsonl")


def test_two_items_cannot_have_one_id():
    with pytest.raises(UsageError, match="id 'a'"):
        arrange([Item(prompt="x", id="a"), Item(prompt="y", id="a")])


def test_several_models_get_every_prompt():
    found = arrange(["x", Item(prompt="y", id="b", model="own")], ["m", "n"])
    assert [(each.key, each.model) for each in found] == [
        ("1@m", "m"),
        ("1@n", "n"),
        ("b@m", "m"),
        ("b@n", "n"),
    ]
    assert [each.model for each in arrange(["x", Item(prompt="y", model="own")], ["m"])] == ["m", "own"]


ITEM = Item(prompt="x", id="a")
DONE = Result(id="a", status="answered", text="y", fingerprint=ITEM.fingerprint)


def test_journal_remembers_until_something_else_is_asked(tmp_path):
    with Journal(tmp_path / "j") as journal:
        journal.begin(ITEM, "c1")
        assert (journal.find_begun(ITEM), journal.find_done(ITEM)) == ("c1", None)
        journal.finish(DONE)
    with Journal(tmp_path / "j") as journal:
        assert (journal.find_begun(ITEM), journal.find_done(ITEM)) == ("c1", DONE)
        other = Item(prompt="z", id="a")
        assert (journal.find_begun(other), journal.find_done(other)) == ("", None)


def test_line_that_a_killed_process_left_is_dropped(tmp_path):
    with Journal(tmp_path / "j") as journal:
        journal.begin(ITEM, "c1")
        journal.finish(DONE)
    whole = (tmp_path / "j").read_bytes()
    first = whole.index(b"\n") + 1
    for length in range(first, len(whole)):
        (tmp_path / "j").write_bytes(whole[:length])
        with Journal(tmp_path / "j") as journal:
            assert journal.find_begun(ITEM) == "c1" and journal.find_done(ITEM) is None
        assert (tmp_path / "j").read_bytes() == whole[:first]


def test_file_that_is_no_journal_is_refused_and_kept(tmp_path):
    (tmp_path / "j").write_text("my notes\n")
    with pytest.raises(UsageError, match="not a journal"), Journal(tmp_path / "j"):
        pass
    assert (tmp_path / "j").read_text() == "my notes\n"


def test_two_processes_do_not_write_one_journal(tmp_path):
    program = (
        "from pathlib import Path; from huggingchat_agent import Journal; "
        f"Journal(Path({str(tmp_path / 'j')!r})).__enter__()"
    )
    with Journal(tmp_path / "j"):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ)
    assert "Another process is writing" in done.stderr


@pytest.mark.parametrize("prompts", ["Why?", b"Why?", None, 3])
def test_what_is_no_list_of_prompts_is_refused(prompts):
    with pytest.raises(UsageError, match="prompts must be a list"):
        arrange(prompts)


def test_asynchronous_generator_is_refused():
    async def make():
        yield "x"

    with pytest.raises(UsageError, match="without async, not async_generator"):
        arrange(make())


def test_one_model_as_text_is_refused():
    with pytest.raises(UsageError, match="models must be a list"):
        arrange(["x"], "gpt")


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        (1, "must be text or an Item, not int"),
        ({"prompt": "x"}, "must be text or an Item, not dict"),
        (
            Item(prompt="x", files="a.txt"),  # type: ignore[arg-type]
            r"Expected `array`, got `str` - at `\$.files`",
        ),
        (
            Item(prompt=None),  # type: ignore[arg-type]
            r"Expected `str`, got `null` - at `\$.prompt`",
        ),
    ],
)
def test_value_that_is_no_prompt_is_named(prompt, says):
    with pytest.raises(UsageError, match=f"Prompt 2:? {says}"):
        arrange(["x", prompt])


@pytest.mark.parametrize("chosen", [{"concurrency": 0}, {"concurrency": 1.5}, {"via": "pigeon"}])
async def test_wrong_choice_is_refused_before_a_browser_starts(chosen):
    with pytest.raises(UsageError, match=next(iter(chosen))):
        async for _ in batch(["x"], **chosen):
            raise AssertionError


def test_folder_of_a_journal_is_there(tmp_path):
    with pytest.raises(StorageError, match="cannot be written"), Journal(tmp_path / "no" / "journal"):
        raise AssertionError


async def test_chat_that_is_not_open_ends_the_batch(tmp_path):
    with Journal(tmp_path / "journal") as journal, pytest.raises(UsageError, match="is not open"):
        async for _ in batch(["x"], chat=HuggingChat(home=tmp_path), journal=journal):
            raise AssertionError
    assert not (tmp_path / "journal").read_bytes()
