"""Where an answer is cut."""

import pytest

from huggingchat_agent.serve.cutting import Cutter


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("text", "stop", "shown", "by"),
    [
        ("one two three", ["two"], "one ", "two"),
        ("one two three", ["three", "two"], "one ", "two"),
        ("aab aac", ["aac"], "aab ", "aac"),
        ("ends with ST", ["STOP"], "ends with ST", None),
        ("no such word", [], "no such word", None),
        ("no such word", [""], "no such word", None),
        ("aaab", ["aab"], "a", "aab"),
    ],
)
def test_stop_sequence_ends_the_text_however_it_comes(text, stop, shown, by, size):
    cutter = Cutter(stop)
    got = "".join(cutter.feed(text[at : at + size]) for at in range(0, len(text), size)) + cutter.end()
    assert (got, cutter.stopped_by) == (shown, by)
    assert cutter.reason == ("stop" if by else None)


@pytest.mark.parametrize("size", [1, 3, 50])
def test_length_is_four_characters_a_token(size):
    cutter = Cutter(max_tokens=2)
    text = "abcdefghijkl"
    assert "".join(cutter.feed(text[at : at + size]) for at in range(0, 12, size)) == "abcdefgh"
    assert cutter.reason == "length"


def test_text_of_just_that_length_is_whole():
    cutter = Cutter(max_tokens=2)
    assert cutter.feed("abcdefgh") + cutter.end() == "abcdefgh"
    assert cutter.reason is None


def test_length_cuts_before_a_stop_sequence_that_comes_later():
    cutter = Cutter(["zz"], max_tokens=1)
    assert cutter.feed("abcdefzz") == "abcd"
    assert (cutter.reason, cutter.stopped_by) == ("length", None)
