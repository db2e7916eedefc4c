import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggingchat_agent.wire.think import ThinkSplitter, split

CONTENTS = [
    ("plain", "plain", ""),
    ("<think>why</think>answer", "answer", "why"),
    ("before <think>why</think> after", "before  after", "why"),
    ("<think>one</think>a<think>two</think>b", "ab", "onetwo"),
    ("a<think>never closed", "a", "never closed"),
    ("a < b <thin </think> c", "a < b <thin </think> c", ""),
    ("<think>a <think> b</think>c", "c", "a <think> b"),
    ("<THINK>loud</Think>quiet", "quiet", "loud"),
    ("<think></think>nothing", "nothing", ""),
    ("<<think>x</think>", "<", "x"),
    ("ends with <thi", "ends with <thi", ""),
    ("<think>ends with </thi", "", "ends with </thi"),
    ("", "", ""),
]


def splitted(*tokens):
    splitter = ThinkSplitter()
    pieces = [piece for token in tokens for piece in splitter.feed(token)] + splitter.close()
    assert all(text for _, text in pieces)
    return tuple("".join(text for kind, text in pieces if kind == wanted) for wanted in ("text", "reasoning"))


@pytest.mark.parametrize(("content", "text", "reasoning"), CONTENTS)
def test_content_splits_into_text_and_reasoning(content, text, reasoning):
    assert split(content) == (text, reasoning)


@pytest.mark.parametrize(("content", "text", "reasoning"), CONTENTS)
def test_content_splits_the_same_cut_anywhere(content, text, reasoning):
    assert splitted(*content) == (text, reasoning)
    for first in range(len(content)):
        for second in range(first, len(content)):
            cut = content[:first], content[first:second], content[second:]
            assert splitted(*cut) == (text, reasoning)


def test_splitter_holds_back_no_more_than_a_partial_tag():
    splitter = ThinkSplitter()
    assert splitter.feed("say <b") == [("text", "say <b")]
    assert splitter.feed("<thin") == []
    assert splitter.held == "<thin"
    assert splitter.feed("g>") == [("text", "<thing>")]
    assert splitter.feed("<think>so</thin") == [("reasoning", "so")]
    assert splitter.feed("k>then") == [("text", "then")]


tokens = st.lists(st.sampled_from(["<think>", "</think>", "<", "thi", "nk>", "</", "a", "é👩", " ", "\n"]))


def by_the_book(content):
    """Text and reasoning, found in the whole content by searching for one tag after the other."""
    found = {"<think>": "", "</think>": ""}
    tag, other = found
    while content:
        before, _, content = content.partition(tag)
        found[tag] += before
        tag, other = other, tag
    return tuple(found.values())


@given(tokens)
def test_tokens_split_as_their_whole_does(tokens):
    assert splitted(*tokens) == by_the_book("".join(tokens))
