"""Text from elsewhere controls no terminal, and shows what would deceive a reader."""

import pytest

from huggingchat_agent.errors import ChatError
from huggingchat_agent.printable import show_marks, strip_controls
from huggingchat_agent.saving import make_safe_name


def test_error_of_the_app_controls_no_terminal_and_hides_nothing():
    error = ChatError("bad\x1b]52;c;eA==\x07\u200f\x9b31m\nline", hint="Try\u202e again.")
    assert str(error) == "bad]52;c;eA==<U+200F>31m\nline Try<U+202E> again."
    assert error.for_shell() == str(error)


@pytest.mark.parametrize(
    "character", ["\u061c", "\u180e", "\u200b", "\u200e", "\u200f", "\u2060", "\ufeff", "\U000e0041"]
)
def test_character_that_nobody_sees_is_shown(character):
    assert show_marks(f"a{character}b") == f"a<U+{ord(character):04X}>b"
    assert make_safe_name(f"a{character}b.txt") == "a_b.txt"


@pytest.mark.parametrize("text", ["\U0001f469\u200d\U0001f4bb", "\u0646\u200c\u0647", "caf\u00e9\t1\n2"])
def test_what_scripts_need_stays(text):
    assert show_marks(strip_controls(text)) == text
