import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggingchat_agent.wire.lenient_json import load


def test_load_makes_half_a_character_a_replacement():
    assert load(rb'{"a": ["b\ud83d"], "\udc00": 1}') == {"a": ["b�"], "�": 1}
    assert load(r'"\ud83d\ude00 \ud83d"') == "😀 �"


def test_load_reads_broken_utf_8_as_replacements():
    assert load(b'"a\xff"') == "a�"


@pytest.mark.parametrize("text", [b"", b"{", b"nul", b"{} x", b"[" * 100_000, b"\xff"])
def test_load_raises_value_error_for_what_is_no_json(text):
    with pytest.raises(ValueError):
        load(text)


@given(st.binary(max_size=30))
def test_load_raises_nothing_else(text):
    try:
        load(text)
    except ValueError:
        pass
