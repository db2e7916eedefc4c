"""The assertions say what happened."""

import pytest

from huggingchat_agent import Answer
from huggingchat_agent.answer import Timing
from huggingchat_agent.testing import assert_first_token_within, assert_says, assert_similar, assert_streamed


def answer(text="Hello, “Ada” — **welcome**!", *, tokens=3, first=1.5, last=2.0):
    timing = Timing(sent=1.0, first_token=first, last_token=last, finished=3.0, tokens=tokens)
    return Answer(text=text, conversation_id="c", user_message_id="u", message_id="m", timing=timing)


def test_streamed_counts_the_pieces():
    assert_streamed(answer(), min_chunks=3)
    with pytest.raises(AssertionError, match="came in 3 pieces; at least 4 were expected: 'Hello"):
        assert_streamed(answer(), min_chunks=4)


def test_streamed_measures_the_time_between_the_pieces():
    assert_streamed(answer(), spread=0.5)
    with pytest.raises(AssertionError, match=r"3 pieces .* came within 0\.500 s; at least 0\.6 s"):
        assert_streamed(answer(), spread=0.6)


def test_first_token_is_measured_from_the_message():
    assert_first_token_within(answer(), 0.5)
    with pytest.raises(AssertionError, match=r"after 0\.50 s; 0\.4 s were allowed"):
        assert_first_token_within(answer(), 0.4)
    with pytest.raises(AssertionError, match="No text came"):
        assert_first_token_within(answer("", first=None, last=None, tokens=0), 9)


@pytest.mark.parametrize("said", ["hello", 'HELLO,  "ada"', 'ada" - welcome', "*Welcome*"])
def test_says_ignores_what_has_no_meaning(said):
    assert_says(answer(), said)


def test_assert_says_reports_the_missing_text_and_the_answer():
    with pytest.raises(AssertionError, match=r"does not say 'goodbye'\. It says: 'Hello"):
        assert_says("Hello", "hello", "goodbye")


def test_assert_similar_reports_how_similar():
    assert_similar("The sky is  BLUE today", "the sky is blue today")
    assert_similar("The sky is blue today", "The sky was blue today", at_least=0.7)
    with pytest.raises(AssertionError, match="80% similar to the expected text; at least 90%"):
        assert_similar("The sky is blue today", "The sky was blue today", at_least=0.9)
