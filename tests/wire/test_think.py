import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggingchat_agent.wire.think import ThinkSplitter, split

CONTENTS = [
    ("plain", "plain", ""),
    ("<think>why</think>answer", "answer", "why"),
    ("\n <think>why</think> answer", "\n  answer", "why"),
    ("<think>one</think>a<think>two</think>b", "a<think>two</think>b", "one"),
    ("<think>one</think><think> is a tag", "<think> is a tag", "one"),
    ("<think>never closed", "", "never closed"),
    ("<think>a <think> b</think>c", "c", "a <think> b"),
    ("<THINK>loud</Think>quiet", "quiet", "loud"),
    ("<thin\u212a>", "<thin\u212a>", ""),
    ("<think></think>nothing", "nothing", ""),
    ("<think>a `</think>` ends it</think>b", "b", "a `</think>` ends it"),
    ("<think>it is `x`</think>b", "b", "it is `x`"),
    ("<think>it is</think>`b`", "`b`", "it is"),
    ("<think>`</think>`", "", "`</think>`"),
    ("<think>ends with </thi", "", "ends with </thi"),
    ("<thi", "<thi", ""),
    ("<thing", "<thing", ""),
    ("", "", ""),
    ("  \n", "  \n", ""),
    # Literal tags, in answers about them.
    ("a<think>never closed", "a<think>never closed", ""),
    ("before <think>why</think> after", "before <think>why</think> after", ""),
    ("`<think>` opens it.", "`<think>` opens it.", ""),
    ("```\n<think>\n```\n", "```\n<think>\n```\n", ""),
    ("It is:\n\n<think>\nx\n</think>\n", "It is:\n\n<think>\nx\n</think>\n", ""),
    ("    <think>code</think>", "    <think>code</think>", ""),
    ("\n\t<think>code</think>", "\n\t<think>code</think>", ""),
    ("a < b <thin </think> c", "a < b <thin </think> c", ""),
    ("<<think>x</think>", "<<think>x</think>", ""),
    ("ends with <thi", "ends with <thi", ""),
]


def split_all(*tokens):
    splitter = ThinkSplitter()
    pieces = [piece for token in tokens for piece in splitter.feed(token)] + splitter.close()
    assert all(text for _, text in pieces)
    return tuple("".join(text for kind, text in pieces if kind == wanted) for wanted in ("text", "reasoning"))


@pytest.mark.parametrize(("content", "text", "reasoning"), CONTENTS)
def test_content_splits_into_text_and_reasoning(content, text, reasoning):
    assert split(content) == (text, reasoning)


@pytest.mark.parametrize(("content", "text", "reasoning"), CONTENTS)
def test_content_splits_the_same_cut_anywhere(content, text, reasoning):
    assert split_all(*content) == (text, reasoning)
    for first in range(len(content)):
        for second in range(first, len(content)):
            cut = content[:first], content[first:second], content[second:]
            assert split_all(*cut) == (text, reasoning)


def test_splitter_holds_back_no_more_than_a_partial_tag():
    splitter = ThinkSplitter()
    assert splitter.feed("\n<thin") == [("text", "\n")]
    assert (splitter.held, splitter.plain) == ("<thin", False)
    assert splitter.feed("k>so</thin") == [("reasoning", "so")]
    assert splitter.feed("k>then") == [("text", "then")]
    assert (splitter.held, splitter.plain) == ("", True)
    assert splitter.feed("<thin") == [("text", "<thin")]
    assert (splitter.begin_round(), splitter.plain) == ([], False)
    assert splitter.feed("<thin") == []
    assert splitter.begin_round() == [("text", "<thin")]
    assert splitter.feed("<think>never closed") == [("reasoning", "never closed")]
    assert splitter.begin_round() == []
    assert splitter.feed("text") == [("text", "text")]


@pytest.mark.parametrize(
    ("content", "rounds", "text", "reasoning"),
    [
        ("<think>a</think>b<think>c</think>d", [17], "bd", "ac"),
        ("<think>a</think>b\n\n<think>c</think>d", [17], "b\n\nd", "ac"),
        ("<think>never closed<think>c</think>d", [19], "d", "never closedc"),
        ("b<think>c</think>d", [1, 1, 1], "bd", "c"),
        ("b<think>c</think>d", [2], "b<think>c</think>d", ""),
        ("b<think>c</think>d", [500], "b<think>c</think>d", ""),
        # The app counts a character beyond U+FFFF twice.
        ("👩<think>c</think>d", [2], "👩d", "c"),
        ("👩<think>c</think>d", [3], "👩<think>c</think>d", ""),
    ],
)
def test_each_round_may_begin_with_reasoning(content, rounds, text, reasoning):
    assert split(content, rounds) == (text, reasoning)


tokens = st.lists(
    st.sampled_from(["<think>", "</think>", "<", "thi", "nk>", "</", "a", "é👩", " ", "\n", "`"])
)


def split_by_the_book(content):
    """Text and reasoning, found in the whole content by one expression."""
    end = "(?:(?<!`)</think>|</think>(?=[^`]))"  # not between backticks
    found = re.fullmatch(rf"(\s*)<think>(.*?)(?:{end}(.*)|$)", content, re.DOTALL)
    if found is None or len(found[1].rpartition("\n")[2]) >= 4:
        return content, ""
    return found[1] + (found[3] or ""), found[2]


@given(tokens)
def test_tokens_split_as_their_whole_does(tokens):
    assert split_all(*tokens) == split_by_the_book("".join(tokens))
