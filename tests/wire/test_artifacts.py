"""Artifacts in the text of answers: made, rewritten, updated, and written with a model's small mistakes."""

import time

import pytest

from huggingchat_agent import Artifact
from huggingchat_agent.answer import Answer, Timing
from huggingchat_agent.errors import StorageError, UsageError
from huggingchat_agent.wire import artifacts
from huggingchat_agent.wire.artifacts import add_to, collect
from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage

PAGE = '<artifact identifier="clock" type="html" title="A clock">\n<p>one</p>\n<p>two</p>\n</artifact>'


def update(*pairs, identifier="clock", more=""):
    inner = "\n".join(f"<old_str>{old}</old_str>\n<new_str>{new}</new_str>" for old, new in pairs)
    return f'<artifact identifier="{identifier}" type="update"{more}>\n{inner}\n</artifact>'


def read(*texts):
    return collect((str(number), text) for number, text in enumerate(texts, 1))


def test_text_between_the_tags_is_the_artifact():
    (found,) = read(f"Here it is:\n\n{PAGE}\n\nDone.")
    assert (found.identifier, found.type, found.title) == ("clock", "html", "A clock")
    assert found.content == "<p>one</p>\n<p>two</p>"
    assert [(each.number, each.operation, each.message_id) for each in found.versions] == [(1, "create", "1")]
    assert found.last.complete and not found.last.failed


@pytest.mark.parametrize(
    ("tag", "kind", "name"),
    [
        ('type="svg"', "svg", "x.svg"),
        ('type="image/svg+xml"', "svg", "x.svg"),
        ('type="TSX"', "react", "x.jsx"),
        ('type="mermaid"', "mermaid", "x.mmd"),
        ('type="text/markdown"', "markdown", "x.md"),
        ('type="code" language="Python"', "code", "x.py"),
        ('type="code" language="cobol"', "code", "x.txt"),
        ('type="hologram"', "code", "x.txt"),
        ("", "code", "x.txt"),
    ],
)
def test_type_decides_the_ending(tag, kind, name):
    (found,) = read(f'<artifact identifier="x" {tag}>a</artifact>')
    assert (found.type, found.name, found.title) == (kind, name, "x")


def test_same_identifier_is_a_rewrite_and_an_update_changes_the_last_version():
    (found,) = read(
        PAGE,
        update(("one", "1"), ("two", "2"), more=' title="Numbers"'),
        '<artifact identifier="clock" type="svg"><svg/></artifact>',
        update(("nothing", "3"), ("<svg/>", "<svg></svg>")),
    )
    assert [each.operation for each in found.versions] == ["create", "update", "rewrite", "update"]
    assert [each.number for each in found.versions] == [1, 2, 3, 4]
    assert found.version(2).content == "<p>1</p>\n<p>2</p>"
    assert (found.version(2).title, found.version(1).title) == ("Numbers", "A clock")
    assert (found.type, found.content, found.last.failed) == ("svg", "<svg></svg>", 1)
    with pytest.raises(UsageError, match="no version 5, only 1 to 4"):
        found.version(5)


@pytest.mark.parametrize(
    "text",
    [
        update(("<p>one</p>\n  <p>two</p>", "X")),  # other white space
        update(("<<p>one</p> <<p>two</p>", "X")),  # doubled brackets
        update(("<p>one</p>\n<p>two</p>", "X")).replace("</old_str>", "</new_str>", 1),  # a swapped end
        update(("<p>one</p>\n<p>two</p>", "X")).replace("<old_str>", "<<<old_str>"),
        update(("<p>one</p>\n<p>two</p>", "X"), identifier="CLOCK "),  # another identifier
        update(("<p>one</p>\n<p>two</p>", "X"), identifier="wall-clock"),
    ],
)
def test_small_mistakes_of_a_model_are_forgiven(text):
    (found,) = read(PAGE, text)
    assert (found.content, found.last.failed, found.last.operation) == ("X", 0, "update")


def test_quotes_and_dashes_of_a_typesetter_match_plain_ones():
    page = '<artifact identifier="q" type="markdown">“yes” – it’s</artifact>'
    (found,) = read(page, update(('"yes" - it\'s', "no"), identifier="q"))
    assert found.content == "no"


def test_update_without_a_base_or_without_pairs_changes_nothing():
    assert read(update(("a", "b"))) == []
    (found,) = read(PAGE, update())
    assert (found.content, found.last.failed) == ("<p>one</p>\n<p>two</p>", 1)


def test_artifact_that_does_not_end_is_kept_as_far_as_it_came():
    (found,) = read(f"{PAGE[: PAGE.index('</artifact>')]}</arti")
    assert (found.content, found.last.complete) == ("<p>one</p>\n<p>two</p>\n", False)
    assert read('<artifact identifier="x" type="ht') == []
    assert read("<artifacts>no</artifacts> and <artifactual>") == []


def test_hostile_text_takes_no_time_and_no_room(caplog, monkeypatch):
    many = "".join(
        f'<artifact identifier="a" type="update"><old_str>{"a " * 300}b</old_str>' for _ in range(300)
    )
    texts = [
        "<" * 400_000,
        "<artifact " * 40_000,
        "<artifact x=" * 30_000 + ">",
        f"<artifact>{'<' * 400_000}",
        many,
    ]
    base = f'<artifact identifier="a" type="code">{"a " * 20_000}</artifact>'
    begun = time.monotonic()
    read(base, update(*[("a " * 2000 + "b", "c")] * 50, identifier="a"), *texts)
    assert time.monotonic() - begun < 10  # a tenth of a second on a quiet machine
    monkeypatch.setattr(artifacts, "LARGEST", 1000)
    (found,) = read(PAGE, *[update(("two", "two" * 100))] * 20)
    assert len(found.versions) < 5 and "left out" in caplog.text


def make_answer(text, message_id="a2"):
    return Answer(
        text=text, conversation_id="c", user_message_id="u", message_id=message_id, timing=Timing(sent=0.0)
    )


def test_answer_has_what_it_made_or_changed_with_earlier_versions():
    other = '<artifact identifier="other" type="code">x</artifact>'
    messages = [
        StoredMessage(
            id="a1", author="assistant", content=f"<think>{update(('x', 'y'))}</think>{PAGE}{other}"
        ),
        StoredMessage(id="u2", author="user", content=other.replace("x<", "mine<"), ancestors=["a1"]),
        StoredMessage(id="b2", author="assistant", content=update(("one", "0")), ancestors=["a1", "u2"]),
        StoredMessage(id="a2", author="assistant", content=update(("one", "1")), ancestors=["a1", "u2"]),
    ]
    answer = add_to(make_answer(messages[-1].content), ConversationRead(messages=messages))
    (found,) = answer.artifacts
    assert found.identifier == "clock"
    assert [(each.message_id, each.operation) for each in found.versions] == [
        ("a1", "create"),
        ("a2", "update"),
    ]
    assert found.content == "<p>1</p>\n<p>two</p>"
    assert add_to(make_answer("plain"), ConversationRead(messages=messages)).artifacts == []
    (alone,) = add_to(make_answer(PAGE), None).artifacts
    assert alone.content == "<p>one</p>\n<p>two</p>"


def make(identifier, content="x"):
    (found,) = collect([("m", f'<artifact identifier="{identifier}" type="html">{content}</artifact>')])
    return found


@pytest.mark.parametrize(
    "identifier", ["../../etc/passwd", "/etc/passwd", "..\\up", "CON", "a\u202eb", "n" * 500, "-", "a\x00b"]
)
def test_name_that_a_model_chose_never_leaves_the_folder(identifier, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    path = make(identifier).save(folder)
    assert path.parent == folder and path.read_text() == "x" and path.suffix == ".html"
    assert [each.name for each in tmp_path.iterdir()] == ["in"]


def test_saving_replaces_nothing_in_a_folder_and_takes_any_version(tmp_path):
    (found,) = read(PAGE, update(("one", "1")))
    assert [found.save(tmp_path).name, found.save(tmp_path, version=1).name] == ["clock.html", "clock-2.html"]
    assert (tmp_path / "clock-2.html").read_text() == "<p>one</p>\n<p>two</p>"
    assert found.save(tmp_path / "mine.txt").read_text() == found.content
    with pytest.raises(StorageError):
        found.save(tmp_path / "missing" / "mine.txt")
    assert isinstance(found, Artifact)
